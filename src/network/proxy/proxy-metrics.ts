// Figures of the service proxy, by the names that upstream's has for them.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { IpFamily } from '../addresses.ts';
import type { TableSync } from '../nftables/kept-table.ts';

const subsystem = 'kubeproxy';
/** 1 ms, and twice that, 15 times. */
const buckets = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index);

export class ProxyMetrics {
  readonly #registry = new Registry();
  readonly #durations = {
    any: this.#duration('sync_proxy_rules_duration_seconds', 'SyncProxyRules latency in seconds'),
    whole: this.#duration(
      'sync_full_proxy_rules_duration_seconds',
      'SyncProxyRules latency in seconds for full resyncs',
    ),
    part: this.#duration(
      'sync_partial_proxy_rules_duration_seconds',
      'SyncProxyRules latency in seconds for partial resyncs',
    ),
  };
  readonly #synced = this.#gauge(
    'sync_proxy_rules_last_timestamp_seconds',
    'The last time proxy rules were successfully synced',
  );
  readonly #queued = this.#gauge(
    'sync_proxy_rules_last_queued_timestamp_seconds',
    'The last time a sync of proxy rules was queued',
  );
  readonly #endpointChanges = this.#counter(
    'sync_proxy_rules_endpoint_changes_total',
    'Cumulative proxy rules Endpoint changes',
  );
  readonly #serviceChanges = this.#counter(
    'sync_proxy_rules_service_changes_total',
    'Cumulative proxy rules Service changes',
  );
  readonly #failures = this.#counter(
    'sync_proxy_rules_nftables_sync_failures_total',
    'Cumulative proxy nftables sync failures',
    ['ip_family'],
  );
  readonly #healthz = this.#counter('proxy_healthz_total', 'Cumulative proxy healthz HTTP status', ['code']);
  readonly #livez = this.#counter('proxy_livez_total', 'Cumulative proxy livez HTTP status', ['code']);
  readonly #forgotten = this.#counter(
    'conntrack_reconciler_deleted_entries_total',
    'Cumulative conntrack flows deleted by conntrack reconciler',
    ['ip_family'],
  );

  queued(what: 'service' | 'endpoint', nowMs: number): void {
    (what === 'service' ? this.#serviceChanges : this.#endpointChanges).inc();
    this.#queued.set(nowMs / 1000);
  }

  synced(family: IpFamily, { ms, isWhole, hasFailed }: TableSync, nowMs: number): void {
    if (hasFailed) {
      this.#failures.inc({ ip_family: family });
      return;
    }
    const labels = { ip_family: family };
    this.#durations.any.observe(labels, ms / 1000);
    this.#durations[isWhole ? 'whole' : 'part'].observe(labels, ms / 1000);
    this.#synced.set(nowMs / 1000);
  }

  forgot(family: IpFamily, flows: number): void {
    this.#forgotten.inc({ ip_family: family }, flows);
  }

  answered(path: 'healthz' | 'livez', code: number): void {
    (path === 'healthz' ? this.#healthz : this.#livez).inc({ code: String(code) });
  }

  /** In Prometheus' text format. */
  print(): Promise<string> {
    return this.#registry.metrics();
  }

  #duration(name: string, help: string) {
    const labelNames = ['ip_family'];
    return new Histogram({ name: `${subsystem}_${name}`, help, labelNames, buckets, registers: [this.#registry] });
  }

  #gauge(name: string, help: string) {
    return new Gauge({ name: `${subsystem}_${name}`, help, registers: [this.#registry] });
  }

  #counter(name: string, help: string, labelNames: string[] = []) {
    return new Counter({ name: `${subsystem}_${name}`, help, labelNames, registers: [this.#registry] });
  }
}
