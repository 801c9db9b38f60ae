// Several real nodes on one machine: until all are Ready, until one more is, and what one more costs. node bench/nodes.ts [rounds]
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readState } from '../src/cluster/settings/state.ts';
import { TestCluster, whyNoContainers } from '../test/e2e/cluster.ts';
import { type Figure, median, printAlone } from './report.ts';

const settleMs = 10_000;

export async function measureNodes(rounds = 3): Promise<Figure[]> {
  const why = whyNoContainers();
  if (why) {
    console.error(`nodes are not measured: it ${why}`);
    return [];
  }
  const ready: number[] = [];
  const added: number[] = [];
  const memory = { agent: [] as number[], containerd: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await using cluster = await TestCluster.create({ flags: ['--nodes', '3'] });
    ready.push((performance.now() - began) / 1000);
    const adding = performance.now();
    const { code, stderr } = await cluster.coracle(['node', 'add', 'more']);
    if (code !== 0) throw new Error(stderr);
    added.push((performance.now() - adding) / 1000);
    await sleep(settleMs);
    memory.agent.push(ownMegabytes(cluster, 'node/more'));
    memory.containerd.push(ownMegabytes(cluster, 'containerd/more'));
  }
  const figure = (name: string, values: readonly number[], unit: string, target: number): Figure => ({
    name: `nodes: ${name}`,
    value: median(values),
    unit,
    isCost: true,
    target,
  });
  return [
    figure('three Ready, from nothing', ready, 's', 4),
    figure('one more Ready', added, 's', 2),
    figure('memory of its own: a further agent', memory.agent, 'MB', 50),
    figure('memory of its own: its containerd', memory.containerd, 'MB', 30),
  ];
}

/** What would be free again without the process: pages of programs that others run as well are not its own. */
function ownMegabytes({ dataDir }: TestCluster, component: string): number {
  const state = readState({ state: `${dataDir}/state.json` } as Parameters<typeof readState>[0]);
  const pid = state?.components.find(({ name }) => name === component)?.pid;
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = [...text.matchAll(/^Private_\w+:\s+(\d+)/gm)].reduce((sum, [, each]) => sum + Number(each), 0);
  return kilobytes / 1024;
}

if (import.meta.main) await printAlone(() => measureNodes(Number(process.argv[2] ?? 3)));
