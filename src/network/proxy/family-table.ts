// The table of one family: rules kept equal to plans, and what the kernel remembers of UDP kept equal to the rules.
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import type { InformerFactory } from '../../reconcile/informer.ts';
import type { IpFamily } from '../addresses.ts';
import { KeptTable } from '../nftables/kept-table.ts';
import type { Nft } from '../nftables/nft.ts';
import type { Plan, UdpFlow } from '../nftables/rule-set.ts';
import { packetsOf, planBase, type TableOptions } from './base-rules.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';
import { forgetFlows, forgetStrayFlows, planStaleFlows, type StaleFlow } from './stale-flows.ts';

export interface FamilyTableOptions extends TableOptions {
  readonly family: IpFamily;
  readonly plan: (owner: string) => Plan;
  readonly onReplaced: () => Promise<void>;
  readonly metrics: ProxyMetrics;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
  readonly checkIntervalMs?: number | undefined;
  readonly nft?: Nft | undefined;
  readonly forgetFlows?: ((flows: readonly StaleFlow[], family: IpFamily) => Promise<void>) | undefined;
}

export class FamilyTable implements Component {
  readonly name: string;
  readonly family: IpFamily;
  readonly #options: FamilyTableOptions;
  readonly #table: KeptTable;
  /** To be forgotten once the rules have changed. */
  readonly #stale: StaleFlow[] = [];
  #isFirst = true;

  constructor(options: FamilyTableOptions) {
    const { family, metrics, clock, informers } = options;
    this.#options = options;
    this.family = family;
    this.name = `services of ${family}`;
    this.#table = new KeptTable({
      name: this.name,
      table: options.table,
      family: packetsOf(family),
      base: () => planBase(options, family),
      plan: options.plan,
      synced: (signal) => informers.waitForSync(signal),
      onPlanned: (before, after) => this.#stale.push(...planStaleFlows(before.udp, after.udp)),
      onApplied: (replaced) => this.#applied(replaced),
      onSync: (sync) => metrics.synced(family, sync, clock.now()),
      clock,
      log: options.log,
      checkIntervalMs: options.checkIntervalMs,
      nft: options.nft,
    });
  }

  get ready(): Promise<void> {
    return this.#table.ready;
  }

  get pendingSinceMs(): number | undefined {
    return this.#table.pendingSinceMs;
  }

  get appliedMs(): number | undefined {
    return this.#table.appliedMs;
  }

  lookAt(...owners: readonly string[]): void {
    this.#table.lookAt(...owners);
  }

  applied(...owners: readonly string[]): Promise<void> {
    return this.#table.applied(...owners);
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#table.run(signal);
  }

  async #applied(replaced: boolean): Promise<void> {
    const { family, metrics, onReplaced } = this.#options;
    if (replaced) await onReplaced();
    const stale = this.#stale.splice(0);
    if (stale.length > 0) metrics.forgot(family, stale.length);
    await (this.#options.forgetFlows ?? forgetFlows)(stale, family);
    if (!this.#isFirst) return;
    this.#isFirst = false;
    if (!this.#options.forgetFlows) await forgetStrayFlows(this.#udpFlows(), family);
  }

  #udpFlows(): UdpFlow[] {
    return this.#table.owners().flatMap((owner) => this.#table.planOf(owner).udp);
  }
}
