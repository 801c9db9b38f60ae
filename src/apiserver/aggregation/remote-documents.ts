// What servers behind us say of themselves: discovery and OpenAPI, kept until they say otherwise.
import type { Logger } from '../../base/log.ts';
import { linkSignal } from '../../base/signals.ts';
import type { OutboundAnswer, OutboundClient } from '../outbound/client.ts';
import { callerHeaders } from './caller-headers.ts';
import { type DiscoveredResource, resourcesOf, versionsIn } from './remote-discovery.ts';
import type { Route } from './routes.ts';

const timeoutMs = 5_000;
const openApiTimeoutMs = 30_000;
const maxDiscoveryBytes = 16 << 20;
const maxOpenApiBytes = 32 << 20;

const acceptDiscovery = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .join(',');

interface Kept {
  readonly etag: string;
  readonly body: Buffer;
}

export interface RemoteDocument {
  /** Undefined: nobody ever told. */
  readonly resources: readonly DiscoveredResource[] | undefined;
  readonly isFresh: boolean;
  /** Of the version's document in OpenAPI v3, '' when there is none. */
  readonly openApiHash: string;
  /** The server's whole OpenAPI v2 document, JSON. */
  readonly openApiV2: Kept | undefined;
}

const nothing: RemoteDocument = { resources: undefined, isFresh: false, openApiHash: '', openApiV2: undefined };
const asAggregator = callerHeaders({ username: 'system:kube-aggregator', groups: ['system:masters'] });
const asOpenApiAggregator = callerHeaders({ username: 'system:aggregator', groups: ['system:masters'] });

export class RemoteDocuments {
  readonly #client: OutboundClient;
  readonly #log: Logger;
  readonly #known = new Map<string, RemoteDocument>();
  /** Grows with every change. */
  generation = 0;

  constructor(client: OutboundClient, log: Logger) {
    this.#client = client;
    this.#log = log;
  }

  of(route: Route): RemoteDocument {
    return this.#known.get(route.name) ?? nothing;
  }

  forget(name: string): void {
    if (this.#known.delete(name)) this.generation++;
  }

  /** Asks again. Never rejects: what could not be had is as it was, and marked as old. */
  async refresh(route: Route, signal: AbortSignal): Promise<void> {
    const before = this.of(route);
    const [resources, openApiHash, openApiV2] = await Promise.all([
      this.#try(route, 'discovery', () => this.#discovery(route, signal)),
      this.#try(route, 'OpenAPI v3', () => this.#openApiHash(route, signal)),
      this.#try(route, 'OpenAPI v2', () => this.#openApiV2(route, before.openApiV2, signal)),
    ]);
    const next = {
      resources: resources ?? before.resources,
      isFresh: resources !== undefined,
      openApiHash: openApiHash ?? before.openApiHash,
      openApiV2: openApiV2 ?? before.openApiV2,
    };
    const isSame =
      next.isFresh === before.isFresh &&
      next.openApiHash === before.openApiHash &&
      next.openApiV2?.etag === before.openApiV2?.etag &&
      JSON.stringify(next.resources) === JSON.stringify(before.resources);
    if (isSame) return;
    this.#known.set(route.name, next);
    this.generation++;
  }

  async #try<T>(route: Route, what: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      this.#log.debug('an aggregated server did not tell', { name: route.name, what, problem: String(error) });
      return undefined;
    }
  }

  async #get(route: Route, path: string, options: AskOptions): Promise<OutboundAnswer> {
    using limit = linkSignal([options.signal], options.timeoutMs);
    const { headers, maxBytes } = options;
    return this.#client.exchange(route.target, { method: 'GET', path, headers, signal: limit.signal }, maxBytes);
  }

  async #discovery(route: Route, signal: AbortSignal): Promise<readonly DiscoveredResource[] | undefined> {
    const options = { timeoutMs, maxBytes: maxDiscoveryBytes, signal };
    const headers = { ...asAggregator, accept: acceptDiscovery };
    const { group, version } = route;
    const all = await this.#get(route, '/apis', { ...options, headers });
    if (all.status === 503) throw new Error('503');
    const found = all.status === 200 ? versionsIn(all) : undefined;
    if (found) return found.get(`${group}/${version}`);
    const path = group ? `/apis/${group}/${version}` : `/api/${version}`;
    const one = await this.#get(route, path, { ...options, headers: { ...asAggregator, accept: 'application/json' } });
    if (one.status !== 200) throw new Error(`${path}: ${one.status}`);
    return resourcesOf(JSON.parse(one.body.toString()), { group, version });
  }

  async #openApiHash({ group, version, ...route }: Route, signal: AbortSignal): Promise<string> {
    const options = { timeoutMs, maxBytes: maxDiscoveryBytes, signal, headers: asOpenApiAggregator };
    const answer = await this.#get({ group, version, ...route }, '/openapi/v3', options);
    if (answer.status !== 200) return '';
    const index = JSON.parse(answer.body.toString()) as { paths?: Record<string, { serverRelativeURL?: string }> };
    const url = index.paths?.[group ? `apis/${group}/${version}` : `api/${version}`]?.serverRelativeURL;
    return url ? (new URL(url, 'https://server').searchParams.get('hash') ?? '') : '';
  }

  async #openApiV2(route: Route, kept: Kept | undefined, signal: AbortSignal): Promise<Kept | undefined> {
    const headers = {
      ...asOpenApiAggregator,
      accept: 'application/json',
      ...(kept?.etag ? { 'if-none-match': kept.etag } : {}),
    };
    const options = { timeoutMs: openApiTimeoutMs, maxBytes: maxOpenApiBytes, signal, headers };
    const { status, body, headers: answered } = await this.#get(route, '/openapi/v2', options);
    return status === 200 ? { etag: answered.etag ?? '', body } : kept;
  }
}

interface AskOptions {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly headers: Record<string, string | string[]>;
}
