// Gives back what a busy time took. V8 keeps a young generation at the size it once needed, and the pages it freed, until
// minutes have passed; told that memory matters, it collects each thread's heap in small steps at once. At rest it is told
// so for a moment: some 40 MB of a server that has just started. The next busy time lets the heaps grow again.
import { setFlagsFromString } from 'node:v8';

const lookEveryMs = 5000;
/** Shares of a core: below the first the process rests, above the second it has worked. */
const [restShare, busyShare] = [0.05, 0.2];
/** V8 looks every eight seconds whether there is something to do. */
const looksTold = 4;

/** From now on, for all threads of the process; does not keep it alive. */
export function shrinkAtRest(): void {
  let before = process.cpuUsage();
  let hasWorked = true;
  let told = 0;
  setInterval(() => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    const share = (user + system) / 1000 / lookEveryMs;
    if (share > busyShare) hasWorked = true;
    if (told > 0 && (--told === 0 || share > busyShare)) {
      told = 0;
      setFlagsFromString('--no-optimize-for-size');
    } else if (told === 0 && hasWorked && share < restShare) {
      hasWorked = false;
      told = looksTold;
      setFlagsFromString('--optimize-for-size');
    }
  }, lookEveryMs).unref();
}
