// Old events are forgotten, so that an idle server grows small again.
import { type Clock, every } from '../../base/clock.ts';
import type { CacheHub } from './cache-hub.ts';

const everyMs = 60_000;
/** Watches can resume from this long ago, while the window of a busy resource holds. */
const keptRounds = 5;

export async function pruneHistory(hub: CacheHub, clock: Clock, signal: AbortSignal): Promise<void> {
  const marks: number[] = [];
  for await (const _ of every(clock, everyMs, signal)) {
    marks.push(hub.revision);
    if (marks.length <= keptRounds) continue;
    const old = marks.shift()!;
    for (const cache of hub.caches()) cache.forgetUpTo(old);
  }
}
