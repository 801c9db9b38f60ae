// What a full node costs its agent: 110 pods of one sleeping container, after a minute at rest. node bench/full-node.ts [PODS] [SECONDS]
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '../generated/core-v1.ts';
import { podKind } from '../generated/kinds.ts';
import { isConditionTrue } from '../src/api/meta/conditions.ts';
import type { NewObject } from '../src/client/client.ts';
import { isNodeAgent, readState } from '../src/cluster/settings/state.ts';
import { TestCluster, whyNoContainers } from '../test/e2e/cluster.ts';
import { clientOf, untilAccount } from './pod-latency.ts';
import { cpuSeconds, ownProcesses, residentMegabytes } from './processes.ts';
import { type Figure, printAlone } from './report.ts';

const namespace = 'default';
const settleMs = 60_000;

const sleeper = (name: string): NewObject<Pod> => ({
  metadata: { name, namespace },
  spec: {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'c', image: 'busybox:1.36', command: ['sleep', '100000'] }],
  },
});

export async function measureFullNode(count = 110, seconds = 60): Promise<Figure[]> {
  const why = whyNoContainers();
  if (why) {
    console.error(`a full node is not measured: it ${why}`);
    return [];
  }
  await using cluster = await TestCluster.create();
  await cluster.loadImages('pause', 'busybox');
  await using connection = await clientOf(cluster);
  const pods = connection.client.resource(podKind);
  await untilAccount(connection.client);
  const agent = agentOf(cluster);
  const all = ownProcesses(cluster);
  const empty = [residentMegabytes(agent), cpuSeconds(agent)] as const;
  await Promise.all(Array.from({ length: count }, (_, index) => pods.create(sleeper(`sleeper-${index}`))));
  const readyCount = async () => {
    const { items } = await pods.list({ namespace });
    return items.filter(({ status }) => isConditionTrue(status?.conditions, 'Ready')).length;
  };
  await cluster.eventually(`${count} pods are Ready`, async () => (await readyCount()) === count, 600_000);
  const started = cpuSeconds(agent) - empty[1];
  await sleep(settleMs);
  const before = [cpuSeconds(agent), cpuSeconds(all)] as const;
  await sleep(seconds * 1000);
  const share = (pids: readonly number[], from: number) => ((cpuSeconds(pids) - from) / seconds) * 100;
  const name = `full node, ${count} pods`;
  return [
    { name: `${name}: agent, resident`, value: residentMegabytes(agent), unit: 'MB', isCost: true },
    { name: `${name}: agent, resident before them`, value: empty[0], unit: 'MB', isCost: true },
    { name: `${name}: agent, CPU of one core at rest`, value: share(agent, before[0]), unit: '%', isCost: true },
    { name: `${name}: agent, CPU to start one`, value: (started / count) * 1000, unit: 'ms', isCost: true },
    { name: `${name}: all our processes, resident`, value: residentMegabytes(all), unit: 'MB', isCost: true },
    { name: `${name}: all our processes, CPU at rest`, value: share(all, before[1]), unit: '%', isCost: true },
  ];
}

/** The process that the node's agent is in; the service proxy may be in it as well. */
function agentOf(cluster: TestCluster): number[] {
  const state = readState({ state: `${cluster.dataDir}/state.json` } as Parameters<typeof readState>[0]);
  const found = state?.components.find(({ name }) => isNodeAgent(name));
  if (!found) throw new Error(`no agent among ${state?.components.map(({ name }) => name).join(', ')}`);
  return [found.pid];
}

if (import.meta.main)
  await printAlone(() => measureFullNode(Number(process.argv[2] ?? 110), Number(process.argv[3] ?? 60)));
