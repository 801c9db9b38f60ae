// What processes cost: resident memory and CPU time, from /proc.
import { readFileSync } from 'node:fs';
import { readState } from '../src/cluster/settings/state.ts';
import type { TestCluster } from '../test/e2e/cluster.ts';

const ticksPerSecond = 100;

/** All processes of a cluster of ours, but for containerd and what it runs. */
export function ownProcesses(cluster: TestCluster): number[] {
  const state = readState({ state: `${cluster.dataDir}/state.json` } as Parameters<typeof readState>[0]);
  const own = (state?.components ?? []).filter(({ name }) => name !== 'containerd');
  return [...new Set(own.map(({ pid }) => pid))];
}

export function residentMegabytes(pids: readonly number[]): number {
  const kilobytes = pids.map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]));
  return kilobytes.reduce((sum, each) => sum + each, 0) / 1024;
}

/** CPU seconds they have used so far. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}
