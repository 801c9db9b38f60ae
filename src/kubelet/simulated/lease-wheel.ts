// Heartbeats of many nodes from one loop: they take turns, so that the API server sees a steady trickle. A turn does not
// wait for those before it: when answers come late, the wheel still turns in time.
import type { Lease } from '../../../generated/coordination-v1.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { type LeaseHolder, renewLease } from '../node/lease.ts';

export interface LeaseWheelOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often each node's turn comes; asked in every tick, since nodes come and go. */
  readonly roundMs: () => number;
}

const minTickMs = 250;
/** Renewals under way at once; a server that answers so late has no use for more. */
const maxUnderWay = 256;

/** Renews each holder's lease once a round until the signal aborts. */
export async function turnLeaseWheel(
  { client, clock, log, roundMs }: LeaseWheelOptions,
  holdersNow: () => readonly LeaseHolder[],
  signal: AbortSignal,
): Promise<void> {
  const leases = new Map<string, Lease>();
  const underWay = new Map<string, Promise<void>>();
  const renew = async (holder: LeaseHolder): Promise<void> => {
    const name = holder.nodeName;
    try {
      leases.set(name, await renewLease(client, clock, holder, leases.get(name)));
    } catch (error) {
      leases.delete(name);
      log.debug('lease of a simulated node was not renewed', { node: name, error: String(error) });
    } finally {
      underWay.delete(name);
    }
  };
  let turn = 0;
  let owed = 1;
  let lookedMs = clock.monotonicMs();
  while (!signal.aborted) {
    const [holders, round] = [holdersNow(), roundMs()];
    const nowMs = clock.monotonicMs();
    // By the time that has passed, not by the ticks: in a busy process they come late.
    owed = Math.min(owed + (holders.length * (nowMs - lookedMs)) / round, holders.length);
    lookedMs = nowMs;
    for (; owed >= 1 && underWay.size < maxUnderWay; owed--) {
      const holder = holders[turn++ % holders.length]!;
      if (!underWay.has(holder.nodeName)) underWay.set(holder.nodeName, renew(holder));
    }
    // A few nodes need no more looks than they have turns.
    await clock.sleep(Math.max(minTickMs, round / Math.max(1, holders.length)), signal);
  }
  await Promise.all(underWay.values());
}
