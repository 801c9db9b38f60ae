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
  readonly cpu?: { readonly time: string; readonly usageCoreNanoSeconds?: number };
  readonly memory?: { readonly workingSetBytes?: number };
}

export interface Counter {
  readonly atMs: number;
  /** Of one core, since the beginning. */
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

function counterOf({ cpu, memory }: SummaryStats): Counter | undefined {
  if (cpu?.usageCoreNanoSeconds === undefined || memory?.workingSetBytes === undefined) return undefined;
  return { atMs: Date.parse(cpu.time), nanoSeconds: cpu.usageCoreNanoSeconds, memoryBytes: memory.workingSetBytes };
}

/** Pods with a container that has been looked at but once are left out, as is one that began anew in between. */
export function usageBetween(before: NodeReading, after: NodeReading): NodeUsage {
  const pods = new Map<string, PodUsage>();
  for (const [key, containers] of after.pods) {
    const usages = new Map<string, Measured>();
    for (const [name, counter] of containers) {
      const usage = between(before.pods.get(key)?.get(name), counter);
      if (usage) usages.set(name, usage);
    }
    const [first] = usages.values();
    if (first && usages.size === containers.size)
      pods.set(key, { atMs: first.atMs, windowMs: first.windowMs, containers: usages });
  }
  return { node: between(before.node, after.node), pods };
}

function between(before: Counter | undefined, after: Counter | undefined): Measured | undefined {
  if (!before || !after) return undefined;
  const windowMs = after.atMs - before.atMs;
  const used = after.nanoSeconds - before.nanoSeconds;
  if (windowMs <= 0 || used < 0) return undefined;
  return {
    atMs: after.atMs,
    windowMs,
    nanoCores: Math.round((used / windowMs) * 1000),
    memoryBytes: after.memoryBytes,
  };
}
