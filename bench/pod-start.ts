// From creating a pod to seeing it Ready, image present: one at a time, 10 at once, 50 at once. node bench/pod-start.ts
import { TestCluster, whyNoContainers } from '../test/e2e/cluster.ts';
import { clientOf, startPods } from './pod-latency.ts';
import { type Figure, median, printAlone, quantile } from './report.ts';

const oneByOne = 15;

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
  const single: number[] = [];
  for (let i = 0; i < oneByOne; i++) single.push(...(await startPods(access.client, [`one-${i}`])));
  const atOnce = (count: number) =>
    startPods(
      access.client,
      Array.from({ length: count }, (_, i) => `of-${count}-${i}`),
    );
  const ten = await atOnce(10);
  const fifty = await atOnce(50);
  const figure = (name: string, ms: number) => ({
    name: `pod start: ${name}`,
    value: ms / 1000,
    unit: 's',
    isCost: true,
  });
  return [
    { ...figure('one at a time, p50', median(single)), target: 0.5 },
    figure('one at a time, p90', quantile(single, 0.9)),
    figure('10 at once, p50', median(ten)),
    figure('50 at once, p50', median(fifty)),
  ];
}

if (import.meta.main) await printAlone(measurePodStart);
