// What can wait until the process has nothing else to do.
import type { Clock } from '../base/clock.ts';

const lookEveryMs = 1000;
/** Of a core. */
const restShare = 0.15;
/** Whoever has not come to rest by then is busy, and busy code gets compiled by itself. */
const maxLooks = 60;

/** True once the process has done next to nothing for a second; false when the signal aborts or it never does. */
export async function untilAtRest(clock: Clock, signal: AbortSignal): Promise<boolean> {
  for (let look = 0; look < maxLooks; look++) {
    const before = process.cpuUsage();
    const began = clock.monotonicMs();
    await clock.sleep(lookEveryMs, signal);
    if (signal.aborted) return false;
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 < restShare * (clock.monotonicMs() - began)) return true;
  }
  return false;
}
