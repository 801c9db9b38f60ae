// Heartbeats of many nodes from one loop: they take turns, so that the API server sees a steady trickle.
import type { Lease } from '../../../generated/coordination-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { type LeaseHolder, renewLease } from '../node/lease.ts';

export interface LeaseWheelOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often each node's turn comes. */
  readonly roundMs: () => number;
}

const minTickMs = 250;

/** Renews each holder's lease once a round until the signal aborts. */
export async function turnLeaseWheel(
  { client, clock, log, roundMs: roundNow }: LeaseWheelOptions,
  holdersNow: () => readonly LeaseHolder[],
  signal: AbortSignal,
): Promise<void> {
  const leases = new Map<string, Lease>();
  let turn = 0;
  let owed = 0;
  while (!signal.aborted) {
    const [holders, roundMs] = [holdersNow(), roundNow()];
    // A few nodes need no more looks than they have turns.
    const tickMs = Math.max(minTickMs, roundMs / Math.max(1, holders.length));
    owed += (holders.length * tickMs) / roundMs;
    const due = Array.from(
      { length: Math.min(Math.floor(owed), holders.length) },
      () => holders[turn++ % holders.length]!,
    );
    owed -= Math.floor(owed);
    await Promise.all(
      due.map(async (holder) => {
        try {
          leases.set(holder.nodeName, await renewLease(client, clock, holder, leases.get(holder.nodeName)));
        } catch (error) {
          leases.delete(holder.nodeName);
          log.debug('lease of a simulated node was not renewed', { node: holder.nodeName, error: String(error) });
        }
      }),
    );
    await clock.sleep(tickMs, signal);
  }
}
