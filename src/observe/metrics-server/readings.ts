// From a node's counters at two times to what was used between them: pure.

/** What a node agent says under /stats/summary, as far as it is read here. */
export interface Summary {
  readonly node: SummaryStats;
  readonly pods?: readonly {
    readonly podRef: { readonly name: string; readonly namespace: string };
    readonly containers?: readonly (SummaryStats & { readonly name: string })[];
  }[];
}

interface SummaryStats {
  readonly startTime?: string;
  readonly cpu?: { readonly time: string; readonly usageCoreNanoSeconds?: number };
  readonly memory?: { readonly workingSetBytes?: number };
}

export interface Counter {
  readonly atMs: number;
  readonly startedMs: number;
  /** Of one core, since the start. */
  readonly nanoSeconds: number;
  readonly memoryBytes: number;
}

export interface NodeReading {
  readonly node: Counter | undefined;
  /** By `namespace/name`, then container. */
  readonly pods: ReadonlyMap<string, ReadonlyMap<string, Counter>>;
}

export interface Usage {
  readonly nanoCores: number;
  readonly memoryBytes: number;
}

export interface Measured extends Usage {
  readonly atMs: number;
  readonly windowMs: number;
}

export interface PodUsage {
  readonly atMs: number;
  readonly windowMs: number;
  readonly containers: ReadonlyMap<string, Usage>;
}

export interface NodeUsage {
  readonly node: Measured | undefined;
  readonly pods: ReadonlyMap<string, PodUsage>;
}

export function readSummary({ node, pods = [] }: Summary): NodeReading {
  return {
    node: counterOf(node),
    pods: new Map(
      pods.map(({ podRef, containers = [] }) => [
        `${podRef.namespace}/${podRef.name}`,
        new Map(containers.flatMap((each) => entryOf(each.name, counterOf(each)))),
      ]),
    ),
  };
}

function entryOf(name: string, counter: Counter | undefined): [string, Counter][] {
  return counter ? [[name, counter]] : [];
}

function counterOf({ cpu, memory, startTime }: SummaryStats): Counter | undefined {
  if (cpu?.usageCoreNanoSeconds === undefined || memory?.workingSetBytes === undefined) return undefined;
  return {
    atMs: Date.parse(cpu.time),
    startedMs: Date.parse(startTime ?? ''),
    nanoSeconds: cpu.usageCoreNanoSeconds,
    memoryBytes: memory.workingSetBytes,
  };
}

/** What began since the first look is measured from its start; what began anew, or has hardly begun, is left out with its pod. */
export function usageBetween(before: NodeReading, after: NodeReading): NodeUsage {
  const pods = new Map<string, PodUsage>();
  for (const [key, containers] of after.pods) {
    const usages = new Map<string, Measured>();
    for (const [name, counter] of containers) {
      const usage = between(before.pods.get(key)?.get(name) ?? startOf(counter), counter);
      if (usage) usages.set(name, usage);
    }
    const [first] = usages.values();
    if (first && usages.size === containers.size)
      pods.set(key, { atMs: first.atMs, windowMs: first.windowMs, containers: usages });
  }
  return { node: between(before.node, after.node), pods };
}

const startOf = (counter: Counter): Counter => ({ ...counter, atMs: counter.startedMs, nanoSeconds: 0 });

/** A shorter time says nothing. */
const leastWindowMs = 500;

function between(before: Counter | undefined, after: Counter | undefined): Measured | undefined {
  if (!before || !after) return undefined;
  const windowMs = after.atMs - before.atMs;
  const used = after.nanoSeconds - before.nanoSeconds;
  if (!(windowMs >= leastWindowMs) || used < 0) return undefined;
  return {
    atMs: after.atMs,
    windowMs,
    nanoCores: Math.round((used / windowMs) * 1000),
    memoryBytes: after.memoryBytes,
  };
}
