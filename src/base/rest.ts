// Gives back what a busy time took. V8 keeps a young generation at the size it once needed, and the pages it freed, until
// minutes have passed; told that memory matters, it collects each thread's heap in small steps at once. At rest it is told
// so for a moment: some 40 MB of a server that has just started. The next busy time lets the heaps grow again.
import { setFlagsFromString } from 'node:v8';

const lookEveryMs = 5000;
/** What is told costs half as much again of all work: at the first sign of some it is taken back. */
const lookWhileToldMs = 250;
/** V8 looks every eight seconds whether there is something to do. */
const toldForMs = 20_000;
/** Shares of a core: below the first the process rests, above the second it works. */
const [restShare, busyShare] = [0.05, 0.2];

/** From now on, for all threads of the process; does not keep it alive. */
export function shrinkAtRest(): void {
  let before = process.cpuUsage();
  let hasWorked = true;
  let toldMs = 0;
  const look = (sinceMs: number) => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    const share = (user + system) / 1000 / sinceMs;
    if (share > busyShare) hasWorked = true;
    if (toldMs > 0) {
      toldMs = share > busyShare ? 0 : toldMs - sinceMs;
      if (toldMs <= 0) setFlagsFromString('--no-optimize-for-size');
    } else if (hasWorked && share < restShare) {
      hasWorked = false;
      toldMs = toldForMs;
      setFlagsFromString('--optimize-for-size');
    }
    again();
  };
  const again = () => {
    const everyMs = toldMs > 0 ? lookWhileToldMs : lookEveryMs;
    setTimeout(look, everyMs, everyMs).unref();
  };
  again();
}
