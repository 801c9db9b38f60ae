// Tells before the store is full: at 80 % of its quota in the log and as an Event, at 95 % it also forgets its history,
// which is what can be forgotten. When it is full only deletions are taken; room comes back by compaction.
import type { Event } from '../../../generated/core-v1.ts';
import { eventKind } from '../../../generated/kinds.ts';
import { type Clock, every, rfc3339 } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';

const everyMs = 10_000;
const alarmShare = 0.8;
const compactShare = 0.95;

/** What is to be said about a store of this size; undefined: nothing. */
export function alarmOf(sizeBytes: number, quotaBytes: number | undefined): string | undefined {
  if (!quotaBytes || sizeBytes < alarmShare * quotaBytes) return undefined;
  if (sizeBytes >= quotaBytes) return 'NOSPACE: the store is full, only deletions are taken';
  return `the store is ${Math.floor((100 * sizeBytes) / quotaBytes)} % full`;
}

interface Watched {
  readonly store: { readonly quotaBytes?: number | undefined; sizeBytes(): Promise<number> };
  compact(): Promise<void>;
}

export interface StorageMonitorOptions {
  readonly storage: Watched;
  readonly admin: Client;
  readonly clock: Clock;
  readonly log: Logger;
}

export async function watchStorage(
  { storage, admin, clock, log }: StorageMonitorOptions,
  signal: AbortSignal,
): Promise<void> {
  let hadAlarm = false;
  for await (const _ of every(clock, everyMs, signal)) {
    try {
      const { quotaBytes } = storage.store;
      const sizeBytes = await storage.store.sizeBytes();
      const alarm = alarmOf(sizeBytes, quotaBytes);
      if (alarm && !hadAlarm) {
        log.warn(alarm, { sizeBytes, quotaBytes });
        await tell(admin, alarm, clock.now());
      } else if (!alarm && hadAlarm) log.info('the store has room again', { sizeBytes, quotaBytes });
      hadAlarm = alarm !== undefined;
      if (quotaBytes && sizeBytes >= compactShare * quotaBytes) await storage.compact();
    } catch (error) {
      if (!signal.aborted) log.error('the size of the store was not looked at', error);
    }
  }
}

/** A full store does not take the Event either: then the log and `coracle status` must do. */
async function tell(admin: Client, message: string, nowMs: number): Promise<void> {
  const time = rfc3339(nowMs);
  const event = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: 'store-', namespace: 'kube-system' },
    involvedObject: { apiVersion: 'v1', kind: 'Namespace', name: 'kube-system', namespace: 'kube-system' },
    reason: 'StoreAlmostFull',
    message,
    type: 'Warning',
    count: 1,
    firstTimestamp: time,
    lastTimestamp: time,
    source: { component: 'apiserver' },
  } as Event;
  await admin
    .resource(eventKind)
    .create(event)
    .catch(() => {});
}
