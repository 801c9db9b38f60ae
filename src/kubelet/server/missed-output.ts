// What a container said that ended before anybody could listen: `kubectl run -i` attaches to what has only just begun.

import type { PodServices } from '../pods/pod-services.ts';
import type { ContainerRecord } from '../pods/runtime-tracker.ts';
import type { StreamOptions } from '../runtime/runtime.ts';
import { readLog } from './read-log.ts';

/** An older container has had its listeners. */
const freshMs = 5_000;
const limitBytes = 2 ** 20;

export type SendOutput = (stream: 'stdout' | 'stderr', chunk: Uint8Array) => void;

/** Sends all that a container said, once it has ended. Gives false where it still runs: nothing was missed. */
export type MissedOutput = (send: SendOutput) => Promise<boolean>;

/** Undefined for a container that began too long ago. */
export function missedOutput(
  { tracker, clock }: PodServices,
  { id, startedAtMs, logPath }: ContainerRecord,
  options: StreamOptions,
): MissedOutput | undefined {
  if (clock.now() - startedAtMs > freshMs) return undefined;
  return async (send) => {
    await tracker.lookAfterExit(id);
    if (tracker.container(id)?.state === 'CONTAINER_RUNNING') return false;
    const source = { path: logPath, isRunning: () => false, clock };
    for (const stream of ['stdout', 'stderr'] as const) {
      if (!options[stream]) continue;
      const lines = readLog(
        source,
        { follow: false, timestamps: false, limitBytes, stream },
        new AbortController().signal,
      );
      try {
        for await (const line of lines) send(stream, line);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // said nothing
      }
    }
    return true;
  };
}
