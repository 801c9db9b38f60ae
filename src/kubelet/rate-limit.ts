// So many a second, and a few more at once: what a node asks of registries and of the API server.
import type { Clock } from '../base/clock.ts';

export interface RateLimit {
  /** False when this one is too many now. */
  tryTake(): boolean;
  /** Settles when it is this one's turn, or at once when the signal aborts. */
  take(signal: AbortSignal): Promise<void>;
}

export interface Rate {
  /** 0: no limit. */
  readonly perSecond: number;
  readonly burst: number;
}

export function createRateLimit({ perSecond, burst }: Rate, clock: Clock): RateLimit {
  if (perSecond <= 0) return { tryTake: () => true, take: () => Promise.resolve() };
  const most = Math.max(1, burst);
  let left = most;
  let atMs = clock.monotonicMs();
  /** Below zero: of those who wait already. */
  const refill = () => {
    const now = clock.monotonicMs();
    left = Math.min(most, left + ((now - atMs) * perSecond) / 1000);
    atMs = now;
  };
  return {
    tryTake() {
      refill();
      if (left < 1) return false;
      left--;
      return true;
    },
    take(signal) {
      refill();
      left--;
      return left >= 0 ? Promise.resolve() : clock.sleep((-left * 1000) / perSecond, signal);
    },
  };
}
