// A path that somebody else writes: when to read it again.
import { type FSWatcher, watch } from 'node:fs';
import type { Clock } from './clock.ts';

/** A file is written in several steps. */
const settleMs = 100;

/**
 * Looks at once, when the kernel says that something changed, and every `periodMs`; until the signal aborts.
 * @param look is told whether it was a change
 */
export async function followPath(
  { path, periodMs, clock }: { readonly path: string; readonly periodMs: number; readonly clock: Clock },
  look: (isChange: boolean) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  for (let isChange = false; !signal.aborted; ) {
    // Watched before it is read: nothing falls between the two.
    using change = watchPath(path);
    await look(isChange);
    isChange = await changeOrPeriod(change.happened, { clock, periodMs }, signal);
    if (isChange) await clock.sleep(settleMs, signal);
  }
}

/** True for a change, false when the time has come. */
async function changeOrPeriod(
  change: Promise<void>,
  { clock, periodMs }: { readonly clock: Clock; readonly periodMs: number },
  signal: AbortSignal,
): Promise<boolean> {
  if (signal.aborted) return false;
  const done = Promise.withResolvers<boolean>();
  const end = () => done.resolve(false);
  signal.addEventListener('abort', end, { once: true });
  using _timer = clock.timer(periodMs, () => done.resolve(false));
  void change.then(() => done.resolve(true));
  try {
    return await done.promise;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** A path that is not there is looked at by the clock alone. */
function watchPath(path: string): Disposable & { readonly happened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(path, { persistent: false }, () => resolve());
    watcher.on('error', () => watcher?.close());
  } catch {
    // Not there yet.
  }
  return { happened: promise, [Symbol.dispose]: () => watcher?.close() };
}
