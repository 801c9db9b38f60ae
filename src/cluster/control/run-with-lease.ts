import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import { linkSignal } from '../../base/signals.ts';
import { createEventRecorders } from '../../reconcile/event-recorder.ts';
import { type Leadership, runAsLeader } from '../../reconcile/leader-election.ts';
import type { Thread } from '../threads/thread.ts';
import type { LeaderElectionSettings } from './control-settings.ts';

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
  /** Of the Lease; default `kube-system`. */
  readonly namespace?: string;
  readonly isOff?: boolean;
  readonly pace?: LeasePace;
}

export interface LeasePace {
  readonly leaseSeconds: number;
  readonly renewDeadlineSeconds: number;
  readonly retrySeconds: number;
}

/** Upstream's. */
const shared = { leaseSeconds: 15, renewDeadlineSeconds: 10, retrySeconds: 2 };
/** Where nobody else can be, a lease that is fresh is enough, and it is not lost when answers take long. */
const alone = { leaseSeconds: 15, renewDeadlineSeconds: 300, retrySeconds: 1, renewSeconds: 5, isLocal: true };

/** Waits for the lease and leads; a lease that is lost ends the whole thread, which begins anew and waits again. */
export async function runWithLease(
  options: LeaseOptions,
  lead: (leadership: Leadership) => Promise<void>,
): Promise<void> {
  const { thread, clock, random, settings, leaseName, identity, component, namespace } = options;
  const { signal } = thread;
  if (options.isOff) return lead({ isHeld: () => true, signal });
  const client = thread.client(identity);
  const log = thread.log.with({ component: leaseName });
  const recorders = createEventRecorders({ client, clock, log });
  const pace = options.pace ?? (settings.isShared ? shared : alone);
  const where = { leaseName, identity: settings.identity, ...(namespace ? { namespace } : {}) };
  const election = { client, clock, random, log, ...where, ...pace };
  using telling = linkSignal([]);
  const events = recorders.run(telling.signal);
  try {
    await runAsLeader({ ...election, recorder: recorders.recorder(component) }, lead, signal);
  } catch (error) {
    log.error('failed', error);
  }
  telling.abort();
  await events;
  thread.startAgain();
}
