// What runs now, for `status`, `down` and the next `up`. A pid is believed only with its start time, since pids come again.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Layout } from './layout.ts';

export interface RunningProcess {
  readonly pid: number;
  /** Clock ticks since boot at which it started: field 22 of /proc/PID/stat; '' where there is no /proc. */
  readonly started: string;
}

export type ComponentState = 'starting' | 'running' | 'failed';

export interface ComponentStatus {
  readonly name: string;
  readonly pid: number;
  readonly started: string;
  readonly address: string;
  readonly state: ComponentState;
}

export interface ClusterState {
  readonly name: string;
  readonly dataDir: string;
  readonly startedAt: string;
  readonly components: readonly ComponentStatus[];
}

/** Components are called `containerd` and `node` on this machine itself, `containerd/NAME` and `node/NAME` on further nodes. */
export const isContainerd = (component: string) => component.split('/')[0] === 'containerd';
/** What a cluster is down without: its API server, or on a machine that joined, what keeps the node. */
export const isServer = (component: string) => component === 'apiserver' || component === 'joined';
export const isNodeAgent = (component: string) => component.split('/')[0] === 'node';

/** The start time of a process, or undefined when it does not run (zombies do not). */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return isReachable(pid) ? '' : undefined;
  }
}

function isReachable(pid: number): boolean {
  if (process.platform === 'linux') return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export function isAlive(process: RunningProcess): boolean {
  return startTimeOf(process.pid) === process.started;
}

export function identify(pid: number): RunningProcess {
  return { pid, started: startTimeOf(pid) ?? '' };
}

export function readState(layout: Layout): ClusterState | undefined {
  try {
    return JSON.parse(readFileSync(layout.state, 'utf8')) as ClusterState;
  } catch {
    return undefined; // never up, taken down, or cut short by a crash: all mean that nothing is known to run
  }
}

export function writeState(layout: Layout, state: ClusterState): void {
  writeFileSync(`${layout.state}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${layout.state}.new`, layout.state);
}

export function clearState(layout: Layout): void {
  rmSync(layout.state, { force: true });
}

/** Sends SIGTERM, waits, then SIGKILL. Settles when the process is gone. */
export async function stopProcess(
  target: RunningProcess,
  graceMs: number,
  first: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  if (!isAlive(target)) return;
  send(target.pid, first);
  const deadline = performance.now() + graceMs;
  while (isAlive(target) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  if (!isAlive(target)) return;
  send(target.pid, 'SIGKILL');
  while (isAlive(target)) await new Promise((resolve) => setTimeout(resolve, 10));
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // gone between the look and the call
  }
}
