// Servers behind this one: APIServices, who of them answers, what they have, and requests on their way to them.
import type { APIService } from '../../../generated/apiregistration-v1.ts';
import { apiServiceKind, endpointSliceKind, serviceKind } from '../../../generated/kinds.ts';
import type { Answer } from '../http/answer.ts';
import { header, type ServerRequest } from '../http/exchange.ts';
import { OutboundClient } from '../outbound/client.ts';
import type { Entry } from '../registry/entry.ts';
import { onChange } from '../registry/on-change.ts';
import type { ResourceCache } from '../registry/resource-cache.ts';
import { resourcePrefix } from '../registry/storage-key.ts';
import type { RequestInfo } from '../request-info.ts';
import { objectWriter } from '../subresources/handler-request.ts';
import type { ServerParts } from '../verbs/call.ts';
import { apiServiceWrites } from './api-service-writes.ts';
import { AvailabilityLoop } from './availability.ts';
import { type ProxiedRequest, proxyTo } from './proxy.ts';
import { Registration } from './registration.ts';
import { RemoteDocuments } from './remote-documents.ts';
import { type ProxyIdentity, type Route, Routes } from './routes.ts';
import type { RemoteVersion } from './served-groups.ts';

const retryMs = 1_000;
const lookMs = 200;

export class Aggregation {
  readonly #parts: ServerParts;
  readonly #client = new OutboundClient();
  readonly #routes: Routes;
  readonly #documents: RemoteDocuments;
  readonly #registration: Registration;
  readonly #availability: AvailabilityLoop;
  readonly #cache: ResourceCache;
  /** As last looked at. */
  #seen = new Map<string, Entry>();
  /** What of each was last looked at beside itself. */
  readonly #dependencies = new Map<string, string>();
  #looking: Disposable | undefined;
  #wake: (() => void) | undefined;
  #isDirty = true;
  /** Whether every APIService of our own has been made. */
  isRegistered = false;

  constructor(parts: ServerParts, identity: ProxyIdentity) {
    this.#parts = parts;
    const { registry, random, clock, log } = parts;
    const { hub, table } = registry;
    this.#cache = hub.cache(resourcePrefix(apiServiceKind));
    this.#routes = new Routes({ objects: registry, random }, identity);
    this.#documents = new RemoteDocuments(this.#client, log);
    const resource = table.stored(apiServiceKind.group, apiServiceKind.plural)!;
    const writes = apiServiceWrites(objectWriter(parts), resource);
    this.#registration = new Registration(table, writes);
    this.#availability = new AvailabilityLoop({
      objects: registry,
      routes: this.#routes,
      writes,
      client: this.#client,
      onAnswering: (route, signal) => this.#documents.refresh(route, signal),
      clock,
      log,
    });
  }

  /** Takes over what the caches have; to be called before the first request. */
  start(): void {
    this.#routes.sync(this.#cache.list());
  }

  /** Until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { hub } = this.#parts.registry;
    const dependent = [serviceKind, endpointSliceKind].map((kind) => hub.cache(resourcePrefix(kind)));
    using _services = onChange(this.#cache, () => this.#sync());
    using _definitions = onChange(hub.cache(resourcePrefix(definitions)), () => this.#kick());
    using _first = onChange(dependent[0]!, () => this.#lookSoon());
    using _second = onChange(dependent[1]!, () => this.#lookSoon());
    this.#sync();
    await Promise.all([this.#register(signal), this.#availability.run(signal)]);
    this.#client[Symbol.dispose]();
  }

  /** Services change often: a few times a second at most it is looked whether one of theirs did. */
  #lookSoon(): void {
    if (this.#looking || this.#routes.isEmpty) return;
    this.#looking = this.#parts.clock.timer(lookMs, () => {
      this.#looking = undefined;
      for (const route of this.#routes.all()) {
        const seen = this.#dependenciesOf(route);
        if (this.#dependencies.get(route.name) === seen) continue;
        this.#dependencies.set(route.name, seen);
        this.#availability.look(route.name);
      }
    });
  }

  /** Changes with the Service and its endpoints. */
  #dependenciesOf({ service: { namespace, name } }: Route): string {
    const { registry } = this.#parts;
    const slices = registry
      .list(endpointSliceKind, namespace)
      .filter(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === name);
    const service = registry.find(serviceKind, namespace, name);
    return [service, ...slices].map((object) => object?.metadata.resourceVersion ?? '').join(' ');
  }

  #sync(): void {
    const entries = this.#cache.list();
    this.#routes.sync(entries);
    const now = new Map(entries.map((entry) => [entry.name, entry]));
    for (const [name, entry] of now) if (this.#seen.get(name) !== entry) this.#availability.look(name);
    for (const name of this.#seen.keys()) {
      if (now.has(name)) continue;
      this.#availability.forget(name);
      this.#documents.forget(name);
      this.#dependencies.delete(name);
    }
    this.#seen = now;
    this.#kick();
  }

  #kick(): void {
    this.#isDirty = true;
    this.#wake?.();
  }

  async #register(signal: AbortSignal): Promise<void> {
    const stop = () => this.#wake?.();
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      if (!this.#isDirty) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#isDirty = false;
      try {
        const current = [...this.#seen].map(([name, entry]) => [name, entry.object as APIService] as const);
        await this.#registration.sync(new Map(current));
        this.isRegistered = true;
      } catch (error) {
        if (signal.aborted) break;
        this.#parts.log.warn('APIServices could not be registered', { error: String(error) });
        this.#isDirty = true;
        await this.#parts.clock.sleep(retryMs, signal);
      }
    }
    this.#looking?.[Symbol.dispose]();
  }

  /** Who else serves this request, if anybody does. */
  routeFor(info: RequestInfo): Route | undefined {
    return this.#routes.findFor(info);
  }

  proxy(route: Route, request: ProxiedRequest): Promise<Answer> {
    return proxyTo(route, this.#client, request);
  }

  openApi(http: ServerRequest, { group, version }: { group: string; version: string }): Promise<Answer> | undefined {
    const route = this.#routes.find(group, version);
    const user = { username: 'system:aggregator', groups: ['system:masters'] };
    return route && this.proxy(route, { http, user, auditId: header(http, 'audit-id'), isDiscovery: true });
  }

  /** Changes when `versions` does. */
  get generation(): number {
    return this.#routes.generation + this.#documents.generation;
  }

  versions(): readonly RemoteVersion[] {
    return this.#routes.all().map((route) => {
      const { resources, isFresh, openApiHash, openApiV2 } = this.#documents.of(route);
      const { group, version, priority, isAvailable } = route;
      return {
        group,
        version,
        priority,
        resources,
        isFresh: isFresh && isAvailable,
        openApiHash,
        openApiV2: openApiV2?.body,
      };
    });
  }
}

const definitions = { group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' };
