// How many images are pulled at a time; the others wait in the order they came.

export interface PullQueue {
  /** @throws what `pull` throws, or when the signal aborts before its turn */
  run<T>(pull: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** @param atMost one for serial pulls; no more than a node's pods ever wait, so the queue needs no bound of its own */
export function createPullQueue(atMost: number): PullQueue {
  const waiting = new Set<() => void>();
  let free = atMost;
  const leave = (): void => {
    const [next] = waiting;
    if (!next) {
      free += 1;
      return;
    }
    waiting.delete(next);
    next();
  };
  const enter = (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return Promise.resolve();
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const begin = (): void => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    };
    const giveUp = (): void => {
      if (waiting.delete(begin)) reject(signal.reason);
    };
    waiting.add(begin);
    signal.addEventListener('abort', giveUp, { once: true });
    return promise;
  };
  return {
    async run(pull, signal) {
      await enter(signal);
      try {
        return await pull();
      } finally {
        leave();
      }
    },
  };
}
