// The scheduler alone, in memory: no API server, its writes take effect at once. How many pods it places in a second of
// processor time (the collector's included), so that what else the machine does is not measured; how long one decision
// takes, what it holds; and that what it does grows with what changed, not with what there is.
// node bench/scheduler.ts [nodes] [load]
import type { Pod } from '../generated/core-v1.ts';
import { systemClock } from '../src/base/clock.ts';
import type { Logger } from '../src/base/log.ts';
import { seededRandom } from '../src/base/random.ts';
import { Decider } from '../src/scheduler/cycle.ts';
import { createScheduler } from '../src/scheduler/scheduler.ts';
import { run } from '../test/e2e/cluster.ts';
import { type Figure, printAlone, quantile } from './report.ts';
import { aNode, aPod, loads, type Sketch } from './scheduler-loads.ts';
import { MemoryWorld } from './scheduler-world.ts';

const sizes = [100, 1000, 5000];
const runningPods = 10_000;
const mixed = 'mixed, 10,000 running';
const changesMeasured = 2000;
const fewestPods = 1600;

const log: Logger = {
  debug() {},
  info() {},
  warn() {},
  error: (message: string, error?: unknown) => console.error(message, error),
  with: () => log,
} as unknown as Logger;

interface Measured {
  readonly podsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly megabytes: number;
}

export async function measureScheduler(wantedSizes = sizes, wanted?: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const nodes of wantedSizes) {
    for (const load of [...Object.keys(loads), mixed]) {
      if (wanted !== undefined && wanted !== load) continue;
      const { podsPerSecond, p50Us, p99Us, megabytes } = await apart<Measured>('load', String(nodes), load);
      const name = `scheduler, ${nodes.toLocaleString('en')} nodes: ${load}`;
      const isAim = load === 'basic' && nodes === 5000;
      figures.push({ name, value: podsPerSecond, unit: 'pods/s', isCost: false, ...(isAim ? { target: 10_000 } : {}) });
      // Of the smaller ones only when they are asked for: the table is long enough.
      if (nodes < Math.max(...sizes) && wantedSizes.length > 1) continue;
      figures.push(
        { name: `${name}, one decision p50`, value: p50Us, unit: 'µs', isCost: true },
        { name: `${name}, one decision p99`, value: p99Us, unit: 'µs', isCost: true },
        { name: `${name}, memory`, value: megabytes, unit: 'MB', isCost: true },
      );
    }
  }
  if (wanted === undefined) figures.push(...(await measureChanges()));
  return figures;
}

/** The same change in a small and in a large cluster. */
async function measureChanges(): Promise<Figure[]> {
  const [small, large] = [await apart<Changes>('changes', '500'), await apart<Changes>('changes', '5000')];
  const names = { nodeUs: 'a node updated, then one pod placed', podUs: 'a pod gone, then one pod placed' } as const;
  return (Object.keys(names) as (keyof Changes)[]).flatMap((key) => [
    { name: `scheduler, 5,000 nodes: ${names[key]}`, value: large[key], unit: 'µs', isCost: true },
    {
      name: `scheduler: ${names[key]}, against a tenth of all`,
      value: large[key] / small[key],
      unit: '×',
      isCost: true,
    },
  ]);
}

/** Each in a process of its own, so that neither sees the other's garbage. */
async function apart<T>(...args: string[]): Promise<T> {
  const flags = ['--no-warnings', '--expose-gc', import.meta.filename, 'apart'];
  const { code, stdout, stderr } = await run(process.execPath, [...flags, ...args], { timeoutMs: 600_000 });
  if (code !== 0) throw new Error(stderr);
  if (stderr) console.error(stderr);
  return JSON.parse(stdout) as T;
}

function liveMegabytes(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

/** Times every decision from now on, in microseconds. */
function timeDecisions(): number[] {
  const times: number[] = [];
  const decide = Decider.prototype.decide;
  Decider.prototype.decide = function (...args) {
    const began = performance.now();
    const decision = decide.apply(this, args);
    times.push((performance.now() - began) * 1000);
    return decision;
  };
  return times;
}

/** Runs until the `using` ends. */
function startScheduler(world: MemoryWorld): AsyncDisposable {
  const abort = new AbortController();
  const { client, informers } = world;
  const scheduler = createScheduler({
    client,
    informers,
    recorder: { event() {} },
    clock: systemClock,
    random: seededRandom(1),
    log,
  });
  const ended = scheduler.run(abort.signal);
  return {
    async [Symbol.asyncDispose]() {
      abort.abort();
      await ended;
    },
  };
}

const placed = (pod: Pod, node: number): Pod => ({
  ...pod,
  spec: { ...pod.spec, nodeName: aNode(node).metadata.name },
  status: { phase: 'Running', startTime: pod.metadata.creationTimestamp! },
});

/** What runs before the load comes. */
function fill(world: MemoryWorld, nodes: number, load: string): void {
  if (load === 'preemption') {
    for (let node = 0; node < nodes; node++) {
      for (let at = 0; at < 4; at++) world.putPod(placed(aPod(`low-${node}-${at}`, { cpu: '8' }), node));
    }
  }
  if (load !== mixed) return;
  const kinds = ['basic', 'of 100 ReplicaSets', 'pod affinity', 'preferred pod affinity', 'spreading'];
  for (let index = 0; index < runningPods; index++) {
    const sketch: Sketch = { ...loads[kinds[index % kinds.length]!]!(index), cpu: '50m' };
    world.putPod(placed(aPod(`running-${index}`, sketch), Math.floor(index / kinds.length) % nodes));
  }
}

async function measureLoad(nodes: number, load: string): Promise<Measured> {
  const before = liveMegabytes();
  const world = new MemoryWorld();
  await using _scheduler = startScheduler(world);
  for (let index = 0; index < nodes; index++) world.putNode(aNode(index));
  fill(world, nodes, load);
  // These need a node each: a small cluster is filled several times.
  const isAlone = load === 'pod anti-affinity' || load === 'preemption';
  const pods = isAlone ? Math.floor(nodes * 0.8) : Math.min(2 * nodes + 2000, 10_000);
  const rounds = isAlone ? Math.ceil(fewestPods / pods) : 1;
  const sketch = loads[load === mixed ? 'basic' : load]!;
  // The compiler has seen everything before it counts.
  for (let index = 0; index < 20; index++) world.putPod(aPod(`warm-${index}`, { ...sketch(index), cpu: '10m' }));
  await world.untilBound(20);
  const times = timeDecisions();
  let seconds = 0;
  for (let round = 0; round < rounds; round++) {
    const all = Array.from({ length: pods }, (_, index) => aPod(`pod-${round}-${index}`, sketch(index)));
    const began = process.cpuUsage();
    for (const pod of all) world.putPod(pod);
    await world.untilBound(20 + pods * (round + 1));
    const { user, system } = process.cpuUsage(began);
    seconds += (user + system) / 1e6;
    if (round === rounds - 1) break;
    for (const pod of all) world.removePod(`load/${pod.metadata.name}`);
    fill(world, nodes, load);
  }
  return {
    podsPerSecond: (pods * rounds) / seconds,
    p50Us: quantile(times, 0.5),
    p99Us: quantile(times, 0.99),
    megabytes: liveMegabytes() - before,
  };
}

interface Changes {
  readonly nodeUs: number;
  readonly podUs: number;
}

async function measureAfterChanges(nodes: number): Promise<Changes> {
  const world = new MemoryWorld();
  await using _scheduler = startScheduler(world);
  for (let index = 0; index < nodes; index++) world.putNode(aNode(index));
  for (let index = 0; index < nodes * 10; index++) {
    const sketch = loads['of 100 ReplicaSets']!(index);
    world.putPod(placed(aPod(`running-${index}`, { ...sketch, cpu: '10m' }), index % nodes));
  }
  let next = 0;
  const place = async () => {
    world.putPod(aPod(`pod-${next}`, { ...loads['of 100 ReplicaSets']!(7), cpu: '10m' }));
    await world.untilBound(++next);
  };
  for (let index = 0; index < 500; index++) await place();
  const measure = async (change: (index: number) => void) => {
    const times: number[] = [];
    for (let index = 0; index < changesMeasured; index++) {
      const began = performance.now();
      change(index);
      await place();
      times.push((performance.now() - began) * 1000);
    }
    return quantile(times, 0.5);
  };
  const nodeUs = await measure((index) => {
    const node = aNode(index % nodes);
    world.putNode({
      ...node,
      metadata: { ...node.metadata, labels: { ...node.metadata.labels, beat: String(index) } },
    });
  });
  const podUs = await measure((index) => world.removePod(`load/running-${index}`));
  return { nodeUs, podUs };
}

const [mode, what, ...rest] = process.argv.slice(2);
if (mode === 'apart') {
  const nodes = Number(rest[0]);
  const measured = what === 'load' ? await measureLoad(nodes, rest[1]!) : await measureAfterChanges(nodes);
  console.log(JSON.stringify(measured));
  process.exit();
}
if (import.meta.main) await printAlone(() => measureScheduler(mode ? [Number(mode)] : sizes, what));
