// Addresses of simulated pods: from their node's pod range, each used by one at a time, in turn.
import { type AddressRange, addressIn, parseAddressRange, sizeOf } from '../../api/meta/address-range.ts';
import type { Clock } from '../../base/clock.ts';
import { GrpcError } from '../../base/grpc.ts';

/** Where nodes without a range take from; shared by all of them, and large enough for the pods of a simulation. */
const commonRange = '100.64.0.0/10';
/** A node without a range may get one. */
const askAgainMs = 30_000;

export class PodAddresses {
  readonly #clock: Clock;
  readonly #rangeOf: (node: string) => Promise<string | undefined>;
  readonly #pools = new Map<string, Pool>();
  readonly #askedMs = new Map<string, number>();
  readonly #common = new Pool(parseAddressRange(commonRange));
  /** By address, where it goes back to. */
  readonly #taken = new Map<string, { readonly pool: Pool; readonly node: string }>();

  /** @param rangeOf IPv4, `10.244.3.0/24`; undefined while the node has none */
  constructor(clock: Clock, rangeOf: (node: string) => Promise<string | undefined>) {
    this.#clock = clock;
    this.#rangeOf = rangeOf;
  }

  /** @throws GrpcError when all of the node's are taken */
  async take(node: string): Promise<string> {
    const pool = await this.#poolOf(node);
    const address = pool.take();
    if (address === undefined) throw new GrpcError(`no IP addresses available in the range of node ${node}`, 2);
    this.#taken.set(address, { pool, node });
    return address;
  }

  give(address: string): void {
    const taken = this.#taken.get(address);
    if (!taken) return;
    const { pool, node } = taken;
    this.#taken.delete(address);
    pool.give(address);
    // Nodes come and go; one that is here still is asked again.
    if (pool.isUnused && this.#pools.get(node) === pool) this.#pools.delete(node);
  }

  async #poolOf(node: string): Promise<Pool> {
    const known = this.#pools.get(node);
    if (known) return known;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - (this.#askedMs.get(node) ?? Number.NEGATIVE_INFINITY) < askAgainMs) return this.#common;
    const range = await this.#rangeOf(node);
    if (range === undefined) {
      this.#askedMs.set(node, nowMs);
      return this.#common;
    }
    this.#askedMs.delete(node);
    // Somebody else may have been told meanwhile.
    const pool = this.#pools.get(node) ?? new Pool(parseAddressRange(range));
    this.#pools.set(node, pool);
    return pool;
  }
}

class Pool {
  readonly #range: AddressRange;
  readonly #size: number;
  readonly #taken = new Set<string>();
  #next = 0;

  /** The first address is the bridge's. */
  constructor(range: AddressRange) {
    this.#range = range;
    this.#size = sizeOf(range) - 1;
  }

  take(): string | undefined {
    for (let tries = 0; tries < this.#size; tries++) {
      const address = addressIn(this.#range, 1 + this.#next);
      this.#next = (this.#next + 1) % this.#size;
      if (this.#taken.has(address)) continue;
      this.#taken.add(address);
      return address;
    }
    return undefined;
  }

  give(address: string): void {
    this.#taken.delete(address);
  }

  get isUnused(): boolean {
    return this.#taken.size === 0;
  }
}
