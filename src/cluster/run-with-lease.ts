import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import { linkSignal } from '../base/signals.ts';
import { createEventRecorders } from '../reconcile/event-recorder.ts';
import { type Leadership, runAsLeader } from '../reconcile/leader-election.ts';
import type { LeaderElectionSettings } from './control-settings.ts';
import type { Thread } from './thread.ts';

export interface LeaseOptions {
  readonly thread: Thread<unknown>;
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: LeaderElectionSettings;
  readonly leaseName: string;
  /** Who writes the Lease. */
  readonly identity: string;
  /** Who its events are from. */
  readonly component: string;
}

/** Upstream's. */
const shared = { leaseSeconds: 15, renewDeadlineSeconds: 10, retrySeconds: 2 };
/** Where nobody else can be, a lease that is always fresh is enough: five times fewer writes of an idle cluster. */
const alone = { leaseSeconds: 15, renewDeadlineSeconds: 14, retrySeconds: 1, renewSeconds: 10, isLocal: true };

/** Waits for the lease and leads; a lease that is lost ends the whole thread, which begins anew and waits again. */
export async function runWithLease(
  { thread, clock, random, settings, leaseName, identity, component }: LeaseOptions,
  lead: (leadership: Leadership) => Promise<void>,
): Promise<void> {
  const { signal } = thread;
  const client = thread.client(identity);
  const log = thread.log.with({ component: leaseName });
  const recorders = createEventRecorders({ client, clock, log });
  const pace = settings.isShared ? shared : alone;
  const options = { client, clock, random, log, leaseName, identity: settings.identity, ...pace };
  using telling = linkSignal([]);
  const events = recorders.run(telling.signal);
  try {
    await runAsLeader({ ...options, recorder: recorders.recorder(component) }, lead, signal);
  } catch (error) {
    log.error('failed', error);
  }
  telling.abort();
  await events;
  thread.startAgain();
}
