// A server of metrics that says what the stories told it: of resources, of pods and objects, from outside. One for each side,
// since each has pods of its own; both API servers find it through APIServices.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPki } from '../../../src/cluster/pki.ts';
import { hostAddress } from '../../../src/cluster/settings/settings.ts';
import { type Json, Side } from './side.ts';

/** What one namespace's pods and things measure. */
export interface Figures {
  /** By metric (`cpu`, `memory`, or one of pods): what the oldest pod has, the next … the last is for all others; null: no sample. */
  readonly pods?: Readonly<Record<string, readonly (string | null)[]>>;
  /** The same for the container `b`; without it pods have no such container. */
  readonly second?: Readonly<Record<string, readonly (string | null)[]>>;
  /** By `RESOURCE/NAME/METRIC`. */
  readonly objects?: Readonly<Record<string, string>>;
  /** Values of each metric from outside. */
  readonly external?: Readonly<Record<string, readonly string[]>>;
  /** Over which time it was measured. */
  readonly windowSeconds?: number;
}

const groups = [
  ['metrics.k8s.io', 'v1beta1'],
  ['custom.metrics.k8s.io', 'v1beta2'],
  ['external.metrics.k8s.io', 'v1beta1'],
] as const;

const answerMs = 60_000;
const pollMs = 200;

export class MetricsStandIn implements AsyncDisposable {
  readonly #server: Server;
  readonly #folder: string;
  readonly #side: Side;
  readonly #figures = new Map<string, Figures>();

  private constructor(side: Side, folder: string, files: { readonly cert: Buffer; readonly key: Buffer }) {
    this.#side = side;
    this.#folder = folder;
    this.#server = createServer(files, (request, response) => {
      request.resume();
      const url = new URL(request.url ?? '/', 'https://metrics');
      void this.#answer(url).then((found) => {
        const missing = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
        response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
        response.end(JSON.stringify(found ?? { ...missing, message: 'nobody has measured that' }));
      });
    });
  }

  static async start(client: ConstructorParameters<typeof Side>[0]): Promise<MetricsStandIn> {
    const folder = await mkdtemp(join(tmpdir(), 'coracle-metrics-'));
    const pki = await openPki(folder, Date.now());
    await pki.ensure({ file: 'metrics', commonName: 'metrics', hosts: [hostAddress()] });
    const [cert, key] = ['crt', 'key'].map((type) => readFileSync(join(folder, `metrics.${type}`))) as [Buffer, Buffer];
    const standIn = new MetricsStandIn(new Side(client, 'kube-system'), folder, { cert, key });
    standIn.#server.listen(0, hostAddress());
    await once(standIn.#server, 'listening');
    await standIn.#register();
    return standIn;
  }

  measure(namespace: string, figures: Figures): void {
    this.#figures.set(namespace, figures);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #register(): Promise<void> {
    const { port } = this.#server.address() as AddressInfo;
    const ask = async (path: string, body: Json) => {
      const { code, body: answer } = await this.#side.ask('POST', path, body);
      if (code >= 300) throw new Error(`${path}: ${answer.message}`);
    };
    await ask('/api/v1/namespaces/kube-system/services', {
      metadata: { name: 'stand-in' },
      spec: { ports: [{ name: 'https', port: 443, targetPort: port }] },
    });
    await ask('/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices', {
      metadata: { name: 'stand-in', labels: { 'kubernetes.io/service-name': 'stand-in' } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [hostAddress()] }],
      ports: [{ name: 'https', port }],
    });
    for (const [group, version] of groups) {
      const name = `${version}.${group}`;
      const service = { name: 'stand-in', namespace: 'kube-system' };
      const priorities = { groupPriorityMinimum: 100, versionPriority: 100 };
      const spec = { group, version, ...priorities, insecureSkipTLSVerify: true, service };
      await ask('/apis/apiregistration.k8s.io/v1/apiservices', { metadata: { name }, spec });
    }
    for (const [group, version] of groups) await this.#untilServed(`/apis/${group}/${version}`);
  }

  async #untilServed(path: string): Promise<void> {
    for (const beganMs = performance.now(); (await this.#side.ask('GET', path)).code !== 200; ) {
      if (performance.now() - beganMs > answerMs) throw new Error(`${path} is not served`);
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  }

  async #answer({ pathname, searchParams }: URL): Promise<object | undefined> {
    const [, group, version, , namespace = '', ...rest] = pathname.split('/').filter(Boolean).map(decodeURIComponent);
    const groupVersion = `${group}/${version}`;
    if (namespace === '') return resources(groupVersion);
    const figures = this.#figures.get(namespace) ?? {};
    const timestamp = new Date().toISOString().replace(/\.\d+/, '');
    const selector = searchParams.get('labelSelector') ?? '';
    if (group === 'metrics.k8s.io') return this.#usage(namespace, selector, figures, timestamp);
    if (group === 'external.metrics.k8s.io') {
      const items = (figures.external?.[rest[0]!] ?? []).map((value) => ({
        metricName: rest[0],
        metricLabels: {},
        timestamp,
        value,
      }));
      return items.length > 0 ? { kind: 'ExternalMetricValueList', apiVersion: groupVersion, items } : undefined;
    }
    return this.#custom(namespace, rest, selector, figures, timestamp);
  }

  async #usage(namespace: string, selector: string, { pods, second, windowSeconds = 1 }: Figures, timestamp: string) {
    const items = (await this.#podsOf(namespace, selector)).flatMap((pod, index) => {
      const containers = [
        { name: 'c', usage: usageAt(pods, index) },
        ...(second ? [{ name: 'b', usage: usageAt(second, index) }] : []),
      ];
      if (Object.keys(containers[0]!.usage).length === 0) return [];
      return [{ metadata: { name: pod, namespace }, timestamp, window: `${windowSeconds}s`, containers }];
    });
    return { kind: 'PodMetricsList', apiVersion: 'metrics.k8s.io/v1beta1', metadata: {}, items };
  }

  async #custom(
    namespace: string,
    [resource, name, metric]: readonly string[],
    selector: string,
    figures: Figures,
    timestamp: string,
  ) {
    const { windowSeconds } = figures;
    const item = (kind: string, about: string, value: string) => ({
      describedObject: { kind, namespace, name: about, apiVersion: '/v1' },
      metric: { name: metric },
      timestamp,
      ...(windowSeconds === undefined ? {} : { windowSeconds }),
      value,
    });
    let items: object[];
    if (resource === 'pods' && name === '*') {
      const names = await this.#podsOf(namespace, selector);
      items = names.flatMap((pod, index) => {
        const value = pick(figures.pods?.[metric!] ?? [], index);
        return value === null ? [] : [item('Pod', pod, value)];
      });
    } else {
      const value = figures.objects?.[[resource, name, metric].filter(Boolean).join('/')];
      items = value === undefined ? [] : [item('Thing', name!, value)];
    }
    const head = { kind: 'MetricValueList', apiVersion: 'custom.metrics.k8s.io/v1beta2', metadata: {} };
    return items.length > 0 ? { ...head, items } : undefined;
  }

  /** The oldest first. */
  async #podsOf(namespace: string, selector: string): Promise<string[]> {
    const query = `labelSelector=${encodeURIComponent(selector)}`;
    const { body } = await this.#side.ask('GET', `/api/v1/namespaces/${namespace}/pods?${query}`);
    return (body.items as Json[])
      .map(({ metadata }) => metadata)
      .sort((a, b) => (`${a.creationTimestamp}${a.name}` < `${b.creationTimestamp}${b.name}` ? -1 : 1))
      .map(({ name }) => name);
  }
}

function usageAt(figures: Figures['pods'], index: number): Record<string, string> {
  const found = Object.entries(figures ?? {}).map(([metric, values]) => [metric, pick(values, index)] as const);
  return Object.fromEntries(found.filter((each): each is readonly [string, string] => each[1] !== null));
}

/** A null stands for itself. */
const pick = (values: readonly (string | null)[], index: number): string | null =>
  index < values.length ? values[index]! : (values.at(-1) ?? null);

function resources(groupVersion: string): object {
  const any = { name: 'any', singularName: '', namespaced: true, kind: 'Any', verbs: ['get'] };
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [any] };
}
