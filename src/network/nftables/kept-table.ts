// An nftables table that is kept equal to what its owners plan. Every event means "look again" at one of them; what
// changed since the last transaction goes into the next, and nothing else does.
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import { findRefused } from './find-refused.ts';
import { type Command, type Nft, nft as systemNft } from './nft.ts';
import { emptyPlan, type PacketFamily, type Plan } from './rule-set.ts';
import { TableState } from './table-state.ts';

/** One attempt to bring the kernel up to date. */
export interface TableSync {
  readonly ms: number;
  readonly isWhole: boolean;
  readonly hasFailed: boolean;
}

export interface KeptTableOptions {
  readonly name: string;
  readonly table: string;
  /** Default: packets of IPv4. */
  readonly family?: PacketFamily | undefined;
  /** Commands that replace whatever the table holds by its fixed part. */
  readonly base: () => readonly Command[];
  /** What this owner wants now. */
  readonly plan: (owner: string) => Plan;
  /** Settles when planning has something to go by. */
  readonly synced: (signal: AbortSignal) => Promise<void>;
  /** Whether others lean on this owner's chains and sets: they would be refused without it. */
  readonly isFoundation?: (owner: string) => boolean;
  /** The kernel does not take what this owner wants. @returns whether `plan` has another answer now; else it has nothing */
  readonly onRefused?: (owner: string) => boolean;
  readonly onPlanned?: (before: Plan, after: Plan) => void;
  /** After a transaction; `replaced`: the whole table. */
  readonly onApplied?: (replaced: boolean) => Promise<void>;
  /** After each attempt. */
  readonly onSync?: (sync: TableSync) => void;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often to see whether somebody removed the table; default 30 s. */
  readonly checkIntervalMs?: number | undefined;
  /** What carries out transactions; default nft. */
  readonly nft?: Nft | undefined;
}

const sliceMs = 8;
/** In the fourth there are only those that changed while the third was planned. */
const lastRound = 4;
const retryDelaysMs = [50, 200, 1_000, 5_000, 15_000];

export class KeptTable implements Component {
  readonly name: string;
  /** Settles when the rules hold everything that was known at the start. */
  readonly ready: Promise<void>;
  readonly #options: KeptTableOptions;
  readonly #nft: Nft;
  readonly #state: TableState;
  readonly #dirty = new Set<string>();
  readonly #becameReady = Promise.withResolvers<void>();
  #wake = Promise.withResolvers<void>();
  /** Waiting for the next transaction that succeeds. */
  #waiting: (() => void)[] = [];
  #hasEnded = false;
  #failures = 0;
  #pendingSinceMs: number | undefined;
  #appliedMs: number | undefined;
  /** The table must be made anew: at the start, after a failure, or when it is gone. */
  #mustReplace = true;

  constructor(options: KeptTableOptions) {
    this.#options = options;
    this.name = options.name;
    this.#nft = options.nft ?? systemNft;
    this.#state = new TableState(options.table, options.family);
    this.ready = this.#becameReady.promise;
  }

  /** When the oldest change came that the kernel does not have; undefined when it has all. Of the clock's steady time. */
  get pendingSinceMs(): number | undefined {
    return this.#pendingSinceMs;
  }

  /** The time of day when the kernel last took something; undefined before. */
  get appliedMs(): number | undefined {
    return this.#appliedMs;
  }

  owners(): string[] {
    return this.#state.owners();
  }

  planOf(owner: string): Plan {
    return this.#state.planOf(owner);
  }

  lookAt(...owners: readonly string[]): void {
    for (const owner of owners) this.#dirty.add(owner);
    if (owners.length > 0) this.#pendingSinceMs ??= this.#options.clock.monotonicMs();
    if (owners.length > 0) this.#wake.resolve();
  }

  /** Settles when the kernel has what these owners want now, or never will: the table is kept no longer. */
  async applied(...owners: readonly string[]): Promise<void> {
    if (this.#hasEnded) return;
    const settled = Promise.withResolvers<void>();
    this.#waiting.push(settled.resolve);
    this.lookAt(...owners);
    await settled.promise;
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#keep(signal);
    } finally {
      this.#hasEnded = true;
      for (const settle of this.#waiting.splice(0)) settle();
    }
  }

  async #keep(signal: AbortSignal): Promise<void> {
    await this.#options.synced(signal);
    const onAbort = () => this.#wake.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    const checks = this.#check(signal);
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      if (this.#dirty.size === 0 && !this.#mustReplace) await this.#wake.promise;
      if (signal.aborted) break;
      const delayMs = await this.#sync();
      if (delayMs > 0) await this.#options.clock.sleep(delayMs, signal);
    }
    signal.removeEventListener('abort', onAbort);
    await checks;
  }

  /** Sends what changed. Gives the time to wait before the next attempt. */
  async #sync(): Promise<number> {
    const { base, onApplied, onSync, clock, log, name } = this.#options;
    const startedMs = clock.monotonicMs();
    const { pendingSinceMs = startedMs, waiting } = await this.#planDirty();
    const replaces = this.#mustReplace;
    if (replaces) this.#state.forgetKernel();
    const changes = this.#state.takeChanges();
    try {
      await this.#nft.apply(replaces ? [...base(), ...changes] : changes);
    } catch (error) {
      log.error('rules refused', error, { table: name, owners: this.#state.size });
      this.#mustReplace = true;
      this.#pendingSinceMs = pendingSinceMs;
      this.#waiting.push(...waiting);
      onSync?.({ ms: clock.monotonicMs() - startedMs, isWhole: replaces, hasFailed: true });
      if (replaces) await this.#leaveOutRefused();
      return retryDelaysMs[Math.min(this.#failures++, retryDelaysMs.length - 1)]!;
    }
    this.#state.committed();
    this.#mustReplace = false;
    this.#failures = 0;
    this.#appliedMs = clock.now();
    this.#becameReady.resolve();
    onSync?.({ ms: clock.monotonicMs() - startedMs, isWhole: replaces, hasFailed: false });
    for (const settle of waiting) settle();
    await onApplied?.(replaces);
    return 0;
  }

  /**
   * Others have their turn in between where there is much. What changes in their turn is planned as well, at last in one go:
   * an owner must not lean on another's chains of a moment ago. Gives who waits for it, and since when.
   */
  async #planDirty(): Promise<{ pendingSinceMs: number | undefined; waiting: (() => void)[] }> {
    const { plan, onPlanned, clock } = this.#options;
    for (let round = 1; this.#dirty.size > 0; round++) {
      const dirty = [...this.#dirty];
      this.#dirty.clear();
      let sliceEndsMs = clock.monotonicMs() + sliceMs;
      for (const owner of dirty) {
        if (round < lastRound && clock.monotonicMs() > sliceEndsMs) {
          await setImmediate();
          sliceEndsMs = clock.monotonicMs() + sliceMs;
        }
        const next = plan(owner);
        onPlanned?.(this.#state.planOf(owner), next);
        this.#state.set(owner, next);
      }
    }
    const planned = { pendingSinceMs: this.#pendingSinceMs, waiting: this.#waiting };
    this.#pendingSinceMs = undefined;
    this.#waiting = [];
    return planned;
  }

  /** Without those that the kernel will not take, so that the others are served. They are tried when they change. */
  async #leaveOutRefused(): Promise<void> {
    const { base, isFoundation, onRefused, log } = this.#options;
    for (const owner of await findRefused(this.#nft, base(), this.#state, isFoundation)) {
      if (this.#dirty.has(owner)) continue; // it has changed since
      const hasOther = onRefused?.(owner) ?? false;
      log.warn('the kernel does not take some rules', { owner, instead: hasOther ? 'others' : 'none' });
      if (hasOther) this.lookAt(owner);
      else this.#state.set(owner, emptyPlan);
    }
  }

  /** Other programs flush all tables (a firewall that reloads): then ours must be made again. */
  async #check(signal: AbortSignal): Promise<void> {
    const { clock, log, table, family, checkIntervalMs = 30_000 } = this.#options;
    for (;;) {
      await clock.sleep(checkIntervalMs, signal);
      if (signal.aborted) return;
      try {
        if (await this.#nft.hasTable(table, family)) continue;
        log.warn('a table is gone; making it again', { table });
        this.#mustReplace = true;
        this.#wake.resolve();
      } catch (error) {
        log.error('looking for a table', error, { table });
      }
    }
  }
}
