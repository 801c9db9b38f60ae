// One of several instances leads: the holder of a Lease, who renews it. A lease counts as expired when it has not been
// seen to change for its duration by the local clock, so that clocks of machines need not agree.
import type { Lease } from '../../generated/coordination-v1.ts';
import { leaseKind } from '../../generated/kinds.ts';
import { isAlreadyExists, isConflict } from '../api/meta/status-error.ts';
import { type Clock, rfc3339Micro } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { linkSignal } from '../base/signals.ts';
import type { Client } from '../client/client.ts';
import { about } from './about.ts';
import type { EventRecorder } from './controller.ts';

export interface LeaderElectionOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Of the Lease; default `kube-system`. */
  readonly namespace?: string;
  /** Of the Lease: `kube-controller-manager`. */
  readonly leaseName: string;
  /** Unique among the instances. */
  readonly identity: string;
  readonly leaseSeconds?: number;
  readonly renewDeadlineSeconds?: number;
  readonly retrySeconds?: number;
  /** How long a renewed lease is left alone; default `retrySeconds`. Less than the deadline. */
  readonly renewSeconds?: number;
  /** Nobody on another machine can hold it: while this one sleeps, nothing happens. */
  readonly isLocal?: boolean;
  readonly recorder?: EventRecorder;
}

/** Who holds the lease may act. */
export interface Leadership {
  /** False from the moment the lease may have been lost, whether anybody has noticed or not. */
  isHeld(): boolean;
  /** Aborts when the lease is lost, or the instance is stopped. */
  readonly signal: AbortSignal;
}

/**
 * Waits for the lease, then calls `lead`; settles when that has settled. Gives the lease back when `signal` aborts. Who has
 * lost the lease and wants it again calls again.
 */
export async function runAsLeader(
  options: LeaderElectionOptions,
  lead: (leadership: Leadership) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const elector = new Elector(options);
  await elector.acquire(signal);
  if (signal.aborted) return;
  elector.say('became leader');
  using leading = linkSignal([signal]);
  const renewing = elector.keep(leading.signal).then(() => leading.abort());
  try {
    await lead({ isHeld: () => elector.isHeld, signal: leading.signal });
  } finally {
    leading.abort();
    await renewing;
    elector.say('stopped leading');
    if (elector.isHeld) await elector.release();
  }
}

/** A moment by both clocks: the steady one stands still while a machine sleeps, the other one may be set. */
interface Moment {
  readonly steadyMs: number;
  readonly wallMs: number;
}

class Elector {
  readonly #options: LeaderElectionOptions;
  readonly #leaseMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryMs: number;
  #seen: { version: string; atMs: number } | undefined;
  /** As it was written last; absent: it has to be read first. */
  #lease: Lease | undefined;
  /** When the last write that went through was begun. */
  #renewedAt: Moment | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#leaseMs = (options.leaseSeconds ?? 15) * 1000;
    this.#renewDeadlineMs = (options.renewDeadlineSeconds ?? 10) * 1000;
    this.#retryMs = (options.retrySeconds ?? 2) * 1000;
  }

  get isHeld(): boolean {
    if (!this.#renewedAt) return false;
    const { steadyMs, wallMs } = this.#now();
    const steadySinceMs = steadyMs - this.#renewedAt.steadyMs;
    const wallSinceMs = this.#options.isLocal ? 0 : wallMs - this.#renewedAt.wallMs;
    return Math.max(steadySinceMs, wallSinceMs) < this.#renewDeadlineMs;
  }

  async acquire(signal: AbortSignal): Promise<void> {
    const { clock, random, log, leaseName } = this.#options;
    log.info('waiting for the lease', { lease: leaseName });
    while (!signal.aborted) {
      if (await this.#try(signal)) return;
      await clock.sleep(Math.round(this.#retryMs * (1 + random.next() * 0.2)), signal);
    }
  }

  /** Renews until it no longer works, or the signal aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, renewSeconds } = this.#options;
    const paceMs = renewSeconds === undefined ? this.#retryMs : renewSeconds * 1000;
    let isRenewed = true;
    while (!signal.aborted) {
      await clock.sleep(isRenewed ? paceMs : this.#retryMs, signal);
      if (signal.aborted) return;
      // A request that is not answered must not keep anybody acting.
      using patience = linkSignal([signal], this.#renewDeadlineMs);
      isRenewed = await this.#try(patience.signal);
      if (!isRenewed && !this.isHeld) return;
    }
  }

  /** Leaves the lease to whoever comes, so that a successor need not wait. */
  async release(): Promise<void> {
    this.#renewedAt = undefined;
    using patience = linkSignal([], this.#renewDeadlineMs);
    const options = { signal: patience.signal };
    const lease = await this.#leases.find(this.#key, options).catch(() => undefined);
    if (!lease || lease.spec?.holderIdentity !== this.#options.identity) return;
    const now = rfc3339Micro(this.#options.clock.now());
    const times = { renewTime: now, acquireTime: now };
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, ...times };
    // Best effort: whoever comes can wait for the lease to expire.
    await this.#leases.update({ ...lease, spec }, options).catch(() => {});
  }

  /** In the log and as an event. */
  say(what: 'became leader' | 'stopped leading'): void {
    const { log, identity, leaseName, recorder } = this.#options;
    log.info(what, { lease: leaseName, identity });
    if (!this.#lease) return;
    recorder?.event(about(leaseKind, this.#lease), 'Normal', 'LeaderElection', `${identity} ${what}`);
  }

  #now(): Moment {
    const { clock } = this.#options;
    return { steadyMs: clock.monotonicMs(), wallMs: clock.now() };
  }

  async #try(signal: AbortSignal): Promise<boolean> {
    const begun = this.#now();
    try {
      const written = await this.#write(signal);
      if (!written) return false;
      this.#lease = written;
      this.#renewedAt = begun;
      return true;
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !signal.aborted) {
        this.#options.log.debug('lease not renewed', { problem: String(error) });
      }
      return false;
    }
  }

  /** Undefined: somebody else holds it. */
  async #write(signal: AbortSignal): Promise<Lease | undefined> {
    if (this.#lease && this.isHeld) {
      const { spec } = this.#lease;
      const renewed = { ...this.#lease, spec: { ...spec, ...this.#claim() } };
      try {
        return await this.#leases.update(renewed, { signal });
      } catch (error) {
        // Somebody wrote it, perhaps only a label: what there is decides.
        if (!isConflict(error)) throw error;
      }
    }
    const lease = await this.#leases.find(this.#key, { signal });
    return lease ? this.#take(lease, signal) : this.#create(signal);
  }

  #create(signal: AbortSignal): Promise<Lease> {
    const claim = this.#claim();
    const spec = { ...claim, acquireTime: claim.renewTime, leaseTransitions: 0 };
    return this.#leases.create({ metadata: { ...this.#key }, spec }, { signal });
  }

  async #take(lease: Lease, signal: AbortSignal): Promise<Lease | undefined> {
    const { clock, identity } = this.#options;
    const version = lease.metadata.resourceVersion ?? '';
    if (this.#seen?.version !== version) this.#seen = { version, atMs: clock.monotonicMs() };
    const holder = lease.spec?.holderIdentity ?? '';
    const isMine = holder === identity;
    const heldMs = Math.max(this.#leaseMs, (lease.spec?.leaseDurationSeconds ?? 0) * 1000);
    if (!isMine && holder && clock.monotonicMs() - this.#seen.atMs < heldMs) return undefined;
    const claim = this.#claim();
    const transitions = (lease.spec?.leaseTransitions ?? 0) + 1;
    const taken = isMine ? {} : { acquireTime: claim.renewTime, leaseTransitions: transitions };
    return await this.#leases.update({ ...lease, spec: { ...lease.spec, ...claim, ...taken } }, { signal });
  }

  #claim() {
    const { identity, clock } = this.#options;
    return {
      holderIdentity: identity,
      leaseDurationSeconds: this.#leaseMs / 1000,
      renewTime: rfc3339Micro(clock.now()),
    };
  }

  get #leases() {
    return this.#options.client.resource(leaseKind);
  }

  get #key() {
    return { namespace: this.#options.namespace ?? 'kube-system', name: this.#options.leaseName };
  }
}
