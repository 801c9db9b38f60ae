// For tests of what happens by itself: looks until it has. The bound is for what never will, not for slow machines.

const patienceMs = 60_000;
const pauseMs = 5;

/** @returns what was read when it was right. @throws Error telling what was read last */
export async function until<T>(read: () => T | Promise<T>, isRight: (value: T) => boolean): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const value = await read();
    if (isRight(value)) return value;
    if (performance.now() > end) throw new Error(`it did not happen: ${JSON.stringify(value)?.slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
