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
}

/**
 * Waits for the lease, then calls `lead` with a signal that aborts when the lease is lost; settles after the abort of
 * `signal`. When the lease is lost, waits for it again.
 */
export async function runAsLeader(
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const elector = new Elector(options);
  while (!signal.aborted) {
    await elector.acquire(signal);
    if (signal.aborted) return;
    options.log.info('leading', { lease: options.leaseName });
    using leading = linkSignal([signal]);
    const renewing = elector.keep(leading.signal).then(() => leading.abort());
    await lead(leading.signal);
    leading.abort();
    await renewing;
    if (signal.aborted) await elector.release();
  }
}

class Elector {
  readonly #options: LeaderElectionOptions;
  readonly #leaseMs: number;
  readonly #renewDeadlineMs: number;
  readonly #retryMs: number;
  #seen: { version: string; atMs: number } | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#leaseMs = (options.leaseSeconds ?? 15) * 1000;
    this.#renewDeadlineMs = (options.renewDeadlineSeconds ?? 10) * 1000;
    this.#retryMs = (options.retrySeconds ?? 2) * 1000;
  }

  async acquire(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (await this.#try(signal)) return;
      await this.#options.clock.sleep(this.#retryMs * (1 + this.#options.random.next() * 0.2), signal);
    }
  }

  /** Renews until it no longer works, or the signal aborts. */
  async keep(signal: AbortSignal): Promise<void> {
    const { clock, log, leaseName } = this.#options;
    let renewedMs = clock.monotonicMs();
    while (!signal.aborted) {
      await clock.sleep(this.#retryMs, signal);
      if (signal.aborted) return;
      if (await this.#try(signal)) renewedMs = clock.monotonicMs();
      else if (clock.monotonicMs() - renewedMs > this.#renewDeadlineMs) {
        log.warn('lease lost', { lease: leaseName });
        return;
      }
    }
  }

  /** Leaves the lease to whoever comes, so that a successor need not wait. */
  async release(): Promise<void> {
    const lease = await this.#leases.find(this.#key).catch(() => undefined);
    if (!lease || lease.spec?.holderIdentity !== this.#options.identity) return;
    const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 };
    // Best effort: whoever comes can wait for the lease to expire.
    await this.#leases.update({ ...lease, spec }).catch(() => {});
  }

  async #try(signal: AbortSignal): Promise<boolean> {
    try {
      const lease = await this.#leases.find(this.#key, { signal });
      if (!lease) return await this.#create(signal);
      return await this.#take(lease, signal);
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error) && !signal.aborted) {
        this.#options.log.debug('lease not renewed', { problem: String(error) });
      }
      return false;
    }
  }

  async #create(signal: AbortSignal): Promise<boolean> {
    const now = rfc3339Micro(this.#options.clock.now());
    const spec = { ...this.#claim(now), acquireTime: now, leaseTransitions: 0 };
    await this.#leases.create({ metadata: { ...this.#key }, spec }, { signal });
    return true;
  }

  async #take(lease: Lease, signal: AbortSignal): Promise<boolean> {
    const { clock, identity } = this.#options;
    const version = lease.metadata.resourceVersion ?? '';
    if (this.#seen?.version !== version) this.#seen = { version, atMs: clock.monotonicMs() };
    const holder = lease.spec?.holderIdentity ?? '';
    const isMine = holder === identity;
    const heldMs = Math.max(this.#leaseMs, (lease.spec?.leaseDurationSeconds ?? 0) * 1000);
    if (!isMine && holder && clock.monotonicMs() - this.#seen.atMs < heldMs) return false;
    const now = rfc3339Micro(clock.now());
    const taken = isMine ? {} : { acquireTime: now, leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + 1 };
    await this.#leases.update({ ...lease, spec: { ...lease.spec, ...this.#claim(now), ...taken } }, { signal });
    return true;
  }

  #claim(now: string) {
    return { holderIdentity: this.#options.identity, leaseDurationSeconds: this.#leaseMs / 1000, renewTime: now };
  }

  get #leases() {
    return this.#options.client.resource(leaseKind);
  }

  get #key() {
    return { namespace: this.#options.namespace ?? 'kube-system', name: this.#options.leaseName };
  }
}
