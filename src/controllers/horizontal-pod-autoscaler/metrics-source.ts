// Reads the three metrics APIs: whoever serves them is found by the API server.
import type { CrossVersionObjectReference } from '../../../generated/autoscaling-v2.ts';
import type { PodMetricsList } from '../../../generated/metrics-v1beta1.ts';
import { millisOf } from '../../api/meta/quantity.ts';
import { timeMs } from '../../api/meta/time.ts';
import type { Clock } from '../../base/clock.ts';
import type { Client } from '../../client/client.ts';
import { withQuery } from '../../client/paths.ts';
import { parseDuration } from '../../schema/time.ts';
import { MetricError } from './metric-error.ts';
import type { Sample, Samples } from './usage.ts';

interface CustomValue {
  readonly describedObject: { readonly name?: string };
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  /** The same in the first version. */
  readonly window?: number;
  readonly value: string;
}

interface Items<T> {
  readonly items?: readonly T[];
}

interface ServedGroup {
  readonly name: string;
  readonly versions?: readonly { readonly version: string }[];
  readonly preferredVersion?: { readonly version: string };
}

const defaultWindowMs = 60_000;
const customGroup = 'custom.metrics.k8s.io';
const knownVersions: readonly string[] = ['v1beta1', 'v1beta2'];
/** Which version is served is asked anew after this. */
const versionMs = 15_000;
const ofCustom = 'unable to fetch metrics from custom metrics API';

export class MetricsSource {
  readonly #client: Client;
  readonly #clock: Clock;
  #custom: { readonly version: Promise<string>; readonly atMs: number } | undefined;

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** What each pod, or one container of each, uses of a resource. @throws MetricError */
  async resource(namespace: string, selector: string, resource: string, container: string): Promise<Samples> {
    const path = withQuery(`/apis/metrics.k8s.io/v1beta1/namespaces/${namespace}/pods`, { labelSelector: selector });
    const { items } = await this.#read<Partial<PodMetricsList>>(path, 'resource');
    if (!items?.length) throw new MetricError('no metrics returned from resource metrics API');
    const samples = new Map<string, Sample>();
    for (const { metadata, timestamp, window, containers = [] } of items) {
      const chosen = containers.filter(({ name }) => container === '' || name === container);
      const usages = chosen.map(({ usage }) => usage?.[resource]);
      if (usages.length === 0 || usages.includes(undefined)) continue;
      const value = usages.reduce((sum, usage) => sum + millisOf(usage), 0);
      samples.set(metadata.name, { value, atMs: timeMs(timestamp) ?? 0, windowMs: windowMsOf(window) });
    }
    return samples;
  }

  /** A metric of each pod. @throws MetricError */
  async pods(namespace: string, selector: string, metric: string, metricSelector: string): Promise<Samples> {
    const query = { labelSelector: selector, metricLabelSelector: metricSelector || undefined };
    const items = await this.#valuesOf(`namespaces/${namespace}/pods/*/${encodeURIComponent(metric)}`, query);
    if (items.length === 0) throw new MetricError('no metrics returned from custom metrics API');
    return new Map(
      items.map(({ describedObject, timestamp, window, windowSeconds = window, value }) => [
        describedObject.name ?? '',
        {
          value: millisOf(value),
          atMs: timeMs(timestamp) ?? 0,
          windowMs: windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000,
        },
      ]),
    );
  }

  /**
   * A metric of one object, in thousandths.
   * @param resourceOf finds its plural with its group: `ingresses.networking.k8s.io`
   * @throws MetricError
   */
  async object(
    namespace: string,
    about: CrossVersionObjectReference,
    resourceOf: () => Promise<string>,
    metric: string,
    metricSelector: string,
  ): Promise<number> {
    const isNamespace = about.kind === 'Namespace' && !(about.apiVersion ?? 'v1').includes('/');
    await this.#customVersion();
    // The metrics of a namespace stand beside those of what is in it.
    const place = isNamespace ? 'metrics' : `${await mapped(about, resourceOf)}/${encodeURIComponent(about.name)}`;
    const path = `namespaces/${namespace}/${place}/${encodeURIComponent(metric)}`;
    const items = await this.#valuesOf(path, { metricLabelSelector: metricSelector || undefined });
    if (items.length === 1) return millisOf(items[0]!.value);
    const problem = `the custom metrics API server returned ${items.length} results when we asked for exactly one`;
    throw new MetricError(`${ofCustom}: ${problem}`);
  }

  /** All values of a metric from outside the cluster, added up, in thousandths. @throws MetricError */
  async external(namespace: string, metric: string, selector: string): Promise<number> {
    const base = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${namespace}/${encodeURIComponent(metric)}`;
    const { items } = await this.#read<Items<{ value: string }>>(
      withQuery(base, { labelSelector: selector || undefined }),
      'external',
    );
    if (!items?.length) throw new MetricError('no metrics returned from external metrics API');
    return items.reduce((sum, { value }) => sum + millisOf(value), 0);
  }

  async #valuesOf(place: string, query: Record<string, string | undefined>): Promise<readonly CustomValue[]> {
    const path = withQuery(`/apis/${customGroup}/${await this.#customVersion()}/${place}`, query);
    return (await this.#read<Items<CustomValue>>(path, 'custom')).items ?? [];
  }

  /** The version that whoever serves them prefers. @throws MetricError when nobody does */
  async #customVersion(): Promise<string> {
    const nowMs = this.#clock.monotonicMs();
    if (!this.#custom || nowMs - this.#custom.atMs > versionMs) this.#custom = { version: this.#served(), atMs: nowMs };
    const asked = this.#custom;
    try {
      return await asked.version;
    } catch (error) {
      if (this.#custom === asked) this.#custom = undefined;
      throw error instanceof MetricError ? error : new MetricError(`${ofCustom}: ${(error as Error).message}`);
    }
  }

  async #served(): Promise<string> {
    const { groups = [] } = await this.#client.getJson<{ groups?: ServedGroup[] }>(
      '/apis',
      undefined,
      'application/json',
    );
    const group = groups.find(({ name }) => name === customGroup);
    if (!group) throw new MetricError(`${ofCustom}: no custom metrics API (${customGroup}) registered`);
    const offered = [group.preferredVersion?.version, ...(group.versions ?? []).map(({ version }) => version)];
    const chosen = offered.find((version) => version !== undefined && knownVersions.includes(version));
    if (!chosen) throw new MetricError(`${ofCustom}: no known available metric versions found`);
    return chosen;
  }

  async #read<T>(path: string, which: string): Promise<T> {
    try {
      return await this.#client.getJson<T>(path);
    } catch (error) {
      throw new MetricError(`unable to fetch metrics from ${which} metrics API: ${(error as Error).message}`);
    }
  }
}

function windowMsOf(window: string | undefined): number {
  return window ? Number(parseDuration(window) / 1_000_000n) : defaultWindowMs;
}

async function mapped({ apiVersion = '', kind }: CrossVersionObjectReference, resourceOf: () => Promise<string>) {
  try {
    return await resourceOf();
  } catch (error) {
    const slash = apiVersion.indexOf('/');
    const name = slash < 0 ? kind : `${kind}.${apiVersion.slice(0, slash)}`;
    throw new MetricError(`${ofCustom}: unable to map kind ${name} to resource: ${(error as Error).message}`);
  }
}
