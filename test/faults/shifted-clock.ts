// Loaded before anything else in a process under test: its wall clock is ahead of the machine's by what a file says, as after
// somebody has set it. Time that is measured, and containers' own, go on.
import { readFileSync, watchFile } from 'node:fs';

const file = process.env['CORACLE_TEST_CLOCK'];
const real = Date;
let aheadMs = 0;

if (file) {
  const look = () => {
    try {
      aheadMs = Number(readFileSync(file, 'utf8')) || 0;
    } catch {
      // there is no such file yet
    }
  };
  look();
  watchFile(file, { interval: 100 }, look).unref();
  const now = () => real.now() + aheadMs;
  globalThis.Date = new Proxy(real, {
    get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget === globalThis.Date ? target : newTarget),
  });
}
