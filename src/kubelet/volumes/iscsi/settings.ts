import type { Clock } from '../../../base/clock.ts';
import { type RunTool, runTool } from '../run-tool.ts';

/** Where the machine has what belongs to its initiator, and how long to wait for it. */
export interface IscsiMachine {
  /** Links to disks, named after portal, target and number. */
  readonly byPath: string;
  readonly sysfs: string;
  readonly devices: string;
  /** Where the initiator may keep its records: one of these. */
  readonly records: readonly string[];
  /** How long a disk may take to appear after the login. */
  readonly deviceWaitMs: number;
  /** How long several paths may take to become one device. */
  readonly multipathWaitMs: number;
  readonly run: RunTool;
}

export const thisMachine: IscsiMachine = {
  byPath: '/dev/disk/by-path',
  sysfs: '/sys',
  devices: '/dev',
  records: ['/etc/iscsi', '/var/lib/iscsi'],
  deviceWaitMs: 30_000,
  multipathWaitMs: 10_000,
  run: runTool,
};

/** Asks until it is told something, or for so long. */
export async function until<T>(
  clock: Clock,
  waitMs: number,
  signal: AbortSignal,
  ask: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const endMs = clock.monotonicMs() + waitMs;
  for (;;) {
    const found = await ask();
    if (found !== undefined || clock.monotonicMs() >= endMs) return found;
    await clock.sleep(100, signal);
    signal.throwIfAborted();
  }
}
