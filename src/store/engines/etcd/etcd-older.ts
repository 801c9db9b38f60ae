// Events that have left the tail in memory, read by a watch of their own.
import type { StoreEvent } from '../../store.ts';
import { CompactedError, UnavailableError } from '../../store.ts';
import type { EtcdConnection } from './etcd-connection.ts';
import { eventsOf } from './etcd-feed.ts';
import type { EtcdKeys } from './etcd-keys.ts';

export interface OlderOptions {
  readonly connection: EtcdConnection;
  readonly keys: EtcdKeys;
  /** All keys of the store start with this. */
  readonly root: string;
  readonly prefix: string;
  readonly from: number;
  /** The newest event of a key below the root: the watch on the past is done when it has brought it. */
  readonly upTo: number;
  readonly signal: AbortSignal;
}

const pageEvents = 1000;
const timeoutMs = 10_000;

export function readOlder(options: OlderOptions): Promise<{ events: StoreEvent[]; last: number }> {
  const { connection, keys, root, prefix, from, upTo, signal } = options;
  return new Promise((resolve, reject) => {
    const stream = connection.openWatch();
    const events: StoreEvent[] = [];
    let last = from - 1;
    let error: Error | undefined;
    const finish = () => stream.cancel();
    const deadline = setTimeout(finish, timeoutMs);
    const ended = () => {
      clearTimeout(deadline);
      signal.removeEventListener('abort', finish);
      if (error) reject(error);
      else if (last < from) reject(new UnavailableError('etcdserver: the watch broke off'));
      else resolve({ events, last });
    };
    signal.addEventListener('abort', finish, { once: true });
    stream.on('error', ended);
    stream.on('end', ended);
    stream.on('data', (response) => {
      if (response.canceled) {
        if (response.compactRevision > 0) error = new CompactedError(response.compactRevision);
        finish();
        return;
      }
      for (const event of eventsOf(response.events, keys)) {
        if (event.revision > upTo) continue;
        last = event.revision;
        if (event.key.startsWith(prefix)) events.push(event);
      }
      if (last >= upTo || events.length >= pageEvents) finish();
    });
    stream.write({ createRequest: { ...keys.under(root), startRevision: from, prevKv: true } });
  });
}
