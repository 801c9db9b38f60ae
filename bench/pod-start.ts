// From creating a pod to seeing it Ready, image present, and the same sandbox and container by the runtime alone.
// One at a time, 10, 50 and 100 at once. node bench/pod-start.ts
import { TestCluster, whyNoContainers } from '../test/e2e/cluster.ts';
import { startByRuntime } from './cri-start.ts';
import { clientOf, startPods } from './pod-latency.ts';
import { type Figure, median, printAlone, quantile } from './report.ts';

/** How many at once, and how often. */
const sizes = [
  { count: 1, rounds: 15 },
  { count: 10, rounds: 3 },
  { count: 50, rounds: 1 },
  { count: 100, rounds: 1 },
];

export async function measurePodStart(): Promise<Figure[]> {
  const why = whyNoContainers();
  if (why) {
    console.error(`pod start is not measured: it ${why}`);
    return [];
  }
  await using cluster = await TestCluster.create();
  await cluster.loadImages('pause', 'nginx');
  await using access = await clientOf(cluster);
  await startPods(access.client, ['warm']);
  const figures: Figure[] = [];
  for (const { count, rounds } of sizes) {
    const ours: number[] = [];
    const runtimes: number[] = [];
    // In turns: what else the machine does is the same for both.
    for (let round = 0; round < rounds; round++) {
      const names = Array.from({ length: count }, (_, i) => `of-${count}-${round}-${i}`);
      ours.push(...(await startPods(access.client, names)));
      runtimes.push(...(await startByRuntime(cluster.dataDir, names)));
    }
    figures.push(...figuresOf(count === 1 ? 'one at a time' : `${count} at once`, ours, runtimes));
  }
  return figures;
}

function figuresOf(name: string, ours: readonly number[], runtimes: readonly number[]): Figure[] {
  const seconds = (what: string, ms: number) => ({
    name: `pod start: ${name}, ${what}`,
    value: ms / 1000,
    unit: 's',
    isCost: true,
  });
  return [
    { ...seconds('p50', median(ours)), ...(name === 'one at a time' ? { target: 0.5 } : {}) },
    seconds('p99', quantile(ours, 0.99)),
    seconds('by containerd alone, p50', median(runtimes)),
    {
      name: `pod start: ${name}, p50 against containerd alone`,
      value: median(ours) / median(runtimes),
      unit: '×',
      isCost: true,
      target: 1.5,
    },
  ];
}

if (import.meta.main) await printAlone(measurePodStart);
