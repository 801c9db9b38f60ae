// Time is passed in, so that tests can move it. Only main files name `systemClock`.

/** Wall time, monotonic time and waiting. All units are milliseconds. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never run backwards; for measuring. */
  monotonicMs(): number;
  /** Settles after `delayMs`, or at once (without throwing) when the signal aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `delayMs`, unless disposed first. */
  timer(delayMs: number, callback: () => void): Disposable;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep(delayMs, signal) {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(handle);
        signal?.removeEventListener('abort', finish);
        resolve();
      };
      const handle = setTimeout(finish, delayMs);
      signal?.addEventListener('abort', finish, { once: true });
    });
  },
  timer(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    return { [Symbol.dispose]: () => clearTimeout(handle) };
  },
};

/** Ticks every `intervalMs` until the signal aborts; the first tick comes after one interval. */
export async function* every(clock: Clock, intervalMs: number, signal: AbortSignal): AsyncGenerator<void> {
  while (!signal.aborted) {
    await clock.sleep(intervalMs, signal);
    if (!signal.aborted) yield;
  }
}

/** RFC 3339 UTC with whole seconds, the form of `metav1.Time`. */
export function rfc3339(epochMs: number): string {
  const second = Math.floor(epochMs / 1000);
  if (second !== lastSecond.at) {
    // One string for all that happens within it: thousands of objects keep it.
    lastSecond.text = new Date(epochMs).toISOString().replace(/\.\d+Z$/, 'Z');
    lastSecond.at = second;
  }
  return lastSecond.text;
}

const lastSecond = { at: Number.NaN, text: '' };

/** RFC 3339 UTC with microseconds, the form of `metav1.MicroTime`. */
export function rfc3339Micro(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 23)}000Z`;
}
