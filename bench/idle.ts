// What a cluster costs that has nothing to do: one real node with DNS and service proxy. node bench/idle.ts [seconds]
import { setTimeout as sleep } from 'node:timers/promises';
import { TestCluster, whyNoContainers } from '../test/e2e/cluster.ts';
import { cpuSeconds, ownProcesses, residentMegabytes } from './processes.ts';
import { type Figure, printAlone } from './report.ts';

const settleMs = 30_000;

export async function measureIdle(seconds = 60): Promise<Figure[]> {
  const why = whyNoContainers();
  if (why) {
    console.error(`idle is not measured: it ${why}`);
    return [];
  }
  await using cluster = await TestCluster.create();
  await sleep(settleMs);
  const pids = ownProcesses(cluster);
  const before = cpuSeconds(pids);
  await sleep(seconds * 1000);
  const share = ((cpuSeconds(pids) - before) / seconds) * 100;
  return [
    {
      name: 'idle: resident, all our processes',
      value: residentMegabytes(pids),
      unit: 'MB',
      isCost: true,
      target: 250,
    },
    { name: 'idle: CPU of one core', value: share, unit: '%', isCost: true, target: 2 },
  ];
}

if (import.meta.main) await printAlone(() => measureIdle(Number(process.argv[2] ?? 60)));
