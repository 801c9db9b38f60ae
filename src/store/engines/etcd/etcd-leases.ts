// Leases for keys that end by themselves. One lease serves the keys of a minute, as upstream does: a lease a key would cost
// etcd more than the keys.
import type { Random } from '../../../base/random.ts';
import type { EtcdConnection } from './etcd-connection.ts';

const reuseMs = 60_000;
const keysPerLease = 1000;

interface Lease {
  readonly id: Promise<number>;
  readonly untilMs: number;
  keys: number;
}

export class EtcdLeases {
  readonly #connection: EtcdConnection;
  readonly #random: Random;
  readonly #nowMs: () => number;
  /** By time to live in seconds. */
  readonly #leases = new Map<number, Lease>();

  constructor(connection: EtcdConnection, random: Random, nowMs: () => number) {
    this.#connection = connection;
    this.#random = random;
    this.#nowMs = nowMs;
  }

  /** A lease that lives at least that long, and little longer. */
  lease(ttlSeconds: number): Promise<number> {
    const nowMs = this.#nowMs();
    const known = this.#leases.get(ttlSeconds);
    if (known && known.untilMs > nowMs && known.keys < keysPerLease) {
      known.keys++;
      return known.id;
    }
    const reusedMs = Math.min(reuseMs, ttlSeconds * 50);
    const id = this.#grant(ttlSeconds + Math.ceil(reusedMs / 1000));
    const lease: Lease = { id, untilMs: nowMs + reusedMs, keys: 1 };
    this.#leases.set(ttlSeconds, lease);
    id.catch(() => {
      if (this.#leases.get(ttlSeconds) === lease) this.#leases.delete(ttlSeconds);
    });
    return id;
  }

  async #grant(seconds: number): Promise<number> {
    const asked = 1 + Math.floor(this.#random.next() * (Number.MAX_SAFE_INTEGER - 1));
    const { ID } = await this.#connection.call('leaseGrant', { TTL: seconds, ID: asked });
    return ID;
  }
}
