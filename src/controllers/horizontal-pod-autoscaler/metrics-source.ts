// Reads the three metrics APIs: whoever serves them is found by the API server.
import type { CrossVersionObjectReference } from '../../../generated/autoscaling-v2.ts';
import type { PodMetricsList } from '../../../generated/metrics-v1beta1.ts';
import { millisOf } from '../../api/meta/quantity.ts';
import { timeMs } from '../../api/meta/time.ts';
import type { Client } from '../../client/client.ts';
import { withQuery } from '../../client/paths.ts';
import { parseDuration } from '../../schema/time.ts';
import { MetricError } from './metric-error.ts';
import type { Sample, Samples } from './usage.ts';

interface CustomValue {
  readonly describedObject: { readonly name?: string };
  readonly timestamp?: string;
  readonly windowSeconds?: number;
  readonly value: string;
}

interface Items<T> {
  readonly items?: readonly T[];
}

const defaultWindowMs = 60_000;

export class MetricsSource {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
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
    const items = await this.#custom(`namespaces/${namespace}/pods/*/${metric}`, query);
    return new Map(
      items.map(({ describedObject, timestamp, windowSeconds, value }) => [
        describedObject.name ?? '',
        {
          value: millisOf(value),
          atMs: timeMs(timestamp) ?? 0,
          windowMs: windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000,
        },
      ]),
    );
  }

  /** A metric of one object, in thousandths. @param resource its plural with its group: `ingresses.networking.k8s.io` */
  async object(
    namespace: string,
    about: CrossVersionObjectReference,
    resource: string,
    metric: string,
    metricSelector: string,
  ): Promise<number> {
    const isNamespace = about.kind === 'Namespace' && !(about.apiVersion ?? 'v1').includes('/');
    // The metrics of a namespace stand beside those of what is in it.
    const place = isNamespace
      ? `namespaces/${namespace}/metrics/${metric}`
      : `namespaces/${namespace}/${resource}/${encodeURIComponent(about.name)}/${metric}`;
    const items = await this.#custom(place, { metricLabelSelector: metricSelector || undefined });
    return millisOf(items[0]!.value);
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

  async #custom(place: string, query: Record<string, string | undefined>): Promise<readonly CustomValue[]> {
    const path = withQuery(`/apis/custom.metrics.k8s.io/v1beta2/${place}`, query);
    const { items } = await this.#read<Items<CustomValue>>(path, 'custom');
    if (!items?.length) throw new MetricError('no metrics returned from custom metrics API');
    return items;
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
