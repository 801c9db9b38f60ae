// Events live for an hour after they were last written. Where the store does not end keys by itself, this does.
import type { Event } from '../../../generated/core-v1.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import type { Clock } from '../../base/clock.ts';
import { every } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { CompareFailedError } from '../../store/store.ts';
import type { Entry } from './entry.ts';
import type { Registry } from './registry.ts';
import { resourcePrefix } from './storage-key.ts';

const everyMs = 30_000;
const perRound = 2000;

/** Which stored resource has a time to live. */
export const eventStorage = { group: '', plural: 'events' } as const;

/** Upstream keeps no cache of Events: it knows at once what it does not have. */
export const isUncached = ({ storage }: ResourceInfo): boolean =>
  storage.group === eventStorage.group && storage.plural === eventStorage.plural;

export interface ExpireOptions {
  readonly registry: Registry;
  readonly ttlMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export async function expireEvents({ registry, ttlMs, clock, log }: ExpireOptions, signal: AbortSignal): Promise<void> {
  if (registry.store.expiresKeys || ttlMs === 0) return;
  const cache = registry.hub.cache(resourcePrefix(eventStorage));
  const startRevision = registry.hub.revision;
  /** When each revision was seen: what was written since the start is dated by these. */
  const seen: { revision: number; atMs: number }[] = [];
  /** Up to here everything was written long enough ago. */
  let old = 0;
  for await (const _ of every(clock, Math.min(everyMs, Math.max(1000, ttlMs / 4)), signal)) {
    const nowMs = clock.now();
    const passedMs = clock.monotonicMs();
    while (seen[0] && seen[0].atMs <= passedMs - ttlMs) old = seen.shift()!.revision;
    seen.push({ revision: registry.hub.revision, atMs: passedMs });
    const isOver = (entry: Entry) =>
      entry.revision <= old ||
      (entry.revision <= startRevision && lastMentionMs(entry.peek() as unknown as Event) <= nowMs - ttlMs);
    const over = cache.list().filter(isOver).slice(0, perRound);
    const gone = over.map(({ key, revision }) => registry.store.commit([{ key, ifRevision: revision }]));
    for (const outcome of await Promise.allSettled(gone)) {
      if (outcome.status === 'fulfilled' || outcome.reason instanceof CompareFailedError || signal.aborted) continue;
      log.error('an old Event was not deleted', outcome.reason);
    }
  }
}

/** The newest time an Event speaks of: all that is known of one that was there before the server. */
function lastMentionMs({ metadata, lastTimestamp, eventTime, series }: Event): number {
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime];
  return Math.max(...times.map((time) => (time ? Date.parse(time) : 0)));
}
