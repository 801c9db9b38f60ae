// Puts the API server together and runs it.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import type { Service } from '../../generated/core-v1.ts';
import { serviceKind } from '../../generated/kinds.ts';
import type { KubernetesObject } from '../api/meta/object.ts';
import type { ResourceInfo } from '../api/resource-info.ts';
import type { Clock } from '../base/clock.ts';
import type { Component } from '../base/component.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { untilAborted } from '../base/signals.ts';
import type { Store } from '../store/store.ts';
import type { AdmissionPlugin } from './admission/plugin.ts';
import { Aggregation } from './aggregation/aggregation.ts';
import { keepAuthenticationConfig, type TrustedAuthorities } from './aggregation/authentication-config.ts';
import type { ProxyIdentity } from './aggregation/routes.ts';
import type { Auditor } from './audit/auditor.ts';
import type { Authenticator, UserInfo } from './authn/authenticator.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { CustomResources } from './crd/custom-resources.ts';
import { serverUser } from './crd/server-user.ts';
import { Discovery, type ExtraPath } from './discovery/discovery.ts';
import { Health, type HealthCheck, startChecks } from './discovery/health.ts';
import { OpenApi } from './discovery/openapi.ts';
import { dumpPaths } from './flow-control/dump.ts';
import { defaultSeats, FlowControl } from './flow-control/flow-control.ts';
import type { ServerRequest, ServerResponse } from './http/exchange.ts';
import { callInProcess, type InProcessRequest, type InProcessResponse } from './http/in-process.ts';
import { type Listener, type ListenOptions, listen } from './http/listen.ts';
import { NodeRequestAdapter, NodeResponseAdapter } from './http/node-exchange.ts';
import { OpenRequests } from './http/open-requests.ts';
import { type IdentifyPeer, peerIdentifier } from './http/peer-certificate.ts';
import { servePort } from './http/port-bridge.ts';
import { StreamRequest, StreamResponse } from './http/stream-exchange.ts';
import { UpgradeResponse } from './http/upgrade-response.ts';
import { createRequestMetrics } from './metrics.ts';
import { OutboundClient } from './outbound/client.ts';
import { Pipeline } from './pipeline.ts';
import { CacheHub } from './registry/cache-hub.ts';
import { checkDigest } from './registry/digest-check.ts';
import { expireEvents } from './registry/expire-events.ts';
import { keepServiceIps } from './registry/keep-service-ips.ts';
import type { ObjectReader } from './registry/object-reader.ts';
import { pruneHistory } from './registry/prune-history.ts';
import { Registry } from './registry/registry.ts';
import { ResourceTable } from './registry/resource-table.ts';
import { createServiceAddresses } from './registry/service-allocator.ts';
import { mendClaims } from './registry/service-claims.ts';
import { storageFigures } from './registry/storage-figures.ts';
import type { ObjectWriter, SubresourceHandler } from './subresources/handler.ts';
import { objectWriter } from './subresources/handler-request.ts';
import type { ServerParts } from './verbs/call.ts';
import { createOwn } from './verbs/create-own.ts';

export interface ApiServerOptions {
  readonly store: Store;
  readonly resources: readonly ResourceInfo[];
  readonly authenticators: readonly Authenticator[];
  readonly authorizers: readonly Authorizer[];
  /** In the order they run. */
  readonly admission: readonly AdmissionPlugin[];
  readonly handlers: readonly SubresourceHandler[];
  readonly extraPaths?: readonly ExtraPath[];
  readonly healthChecks?: readonly HealthCheck[];
  /** Absent: no socket is opened; the server is reached in process only. */
  readonly listen?: Pick<ListenOptions, 'tls' | 'host' | 'port'>;
  readonly serviceCidr: string;
  readonly nodePortRange?: readonly [first: number, last: number];
  /** Requests at work at once, shared out by flow control; default 6000. */
  readonly seats?: number;
  /** How servers behind this one know it. Absent: there are none, and no APIServices. */
  readonly proxyIdentity?: ProxyIdentity;
  /** Published to them. */
  readonly trustedAuthorities?: TrustedAuthorities;
  /** Calls webhooks; closed when the server ends. */
  readonly outbound?: OutboundClient;
  /** More lines for /metrics. */
  readonly printMetrics?: () => string | Promise<string>;
  /** Closed when the server has stopped. */
  readonly auditor?: Auditor;
  readonly requestTimeoutMs?: number;
  /** How long Events are kept; default an hour. */
  readonly eventTtlMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface ApiServer extends Component {
  /** Settles when requests are served; rejects when the server cannot start. */
  readonly ready: Promise<void>;
  /** Once ready and listening. */
  readonly address: { readonly host: string; readonly port: number } | undefined;
  readonly objects: ObjectReader;
  /** Writes of the server itself: bootstrap objects. */
  readonly writer: ObjectWriter;
  readonly table: ResourceTable;
  /** Makes an object of the server itself without a request. Absent: requests are noted, and this one is to be noted too. */
  readonly createOwn:
    | ((resource: ResourceInfo, object: KubernetesObject, manager: string) => Promise<void>)
    | undefined;
  /** For admission plugins that write past admission. */
  readonly registry: Registry;
  handleInProcess(user: UserInfo, request: InProcessRequest): Promise<InProcessResponse>;
  /** Serves requests that arrive over a port, as the user that each names, until the port or the server closes. */
  servePort(port: MessagePort, users: Readonly<Record<string, UserInfo>>): void;
}

const drainMs = 5_000;

/** What the server was told, by the names that upstream has for it. */
function flagsOf(options: ApiServerOptions): Record<string, string> {
  const {
    serviceCidr,
    nodePortRange = [30000, 32767],
    seats = defaultSeats,
    requestTimeoutMs = 60_000,
    listen,
  } = options;
  return {
    'allow-privileged': 'true',
    'anonymous-auth': 'true',
    'authorization-mode': '[Node,RBAC]',
    'bind-address': listen?.host ?? '',
    'enable-admission-plugins': `[${options.admission.map(({ name }) => name).join(',')}]`,
    'event-ttl': `${Math.round((options.eventTtlMs ?? 3_600_000) / 1000)}s`,
    'max-requests-inflight': String(seats),
    'request-timeout': `${requestTimeoutMs / 1000}s`,
    'secure-port': String(listen?.port ?? 0),
    'service-cluster-ip-range': serviceCidr,
    'service-node-port-range': nodePortRange.join('-'),
  };
}

/** Made once: an abort that is given no reason makes an exception with a stack for each request. */
const requestOver = new DOMException('the request is over', 'AbortError');

export function createApiServer(options: ApiServerOptions): ApiServer {
  return new Server(options);
}

class Server implements ApiServer {
  readonly name = 'apiserver';
  readonly #options: ApiServerOptions;
  readonly #hub: CacheHub;
  readonly registry: Registry;
  readonly #parts: ServerParts;
  readonly #pipeline: Pipeline;
  readonly #ready = Promise.withResolvers<void>();
  readonly #open = new OpenRequests();
  readonly #flow: FlowControl;
  readonly #customResources: CustomResources;
  readonly #aggregation: Aggregation | undefined;
  #listener: Listener | undefined;
  #isServing = false;
  #hasStarted = false;
  readonly #ports = new Set<Disposable>();

  constructor(options: ApiServerOptions) {
    this.#options = options;
    const { store, clock, random, log } = options;
    this.#ready.promise.catch(() => {});
    this.#hub = new CacheHub(store, log, clock);
    this.registry = new Registry(store, this.#hub, new ResourceTable(options.resources), options.eventTtlMs);
    this.#parts = {
      registry: this.registry,
      admission: options.admission,
      addresses: createServiceAddresses({
        objects: this.registry,
        serviceCidr: options.serviceCidr,
        nodePortRange: options.nodePortRange ?? [30000, 32767],
        random,
      }),
      outbound: options.outbound ?? new OutboundClient(),
      clock,
      random,
      log,
    };
    this.#customResources = new CustomResources(this.#parts);
    this.#aggregation = options.proxyIdentity && new Aggregation(this.#parts, options.proxyIdentity);
    const requestTimeoutMs = options.requestTimeoutMs ?? 60_000;
    const { seats = defaultSeats } = options;
    this.#flow = new FlowControl({ registry: this.registry, clock, seats, requestTimeoutMs });
    const metrics = createRequestMetrics(async () =>
      [
        this.#cacheFigures(),
        this.#flow.print(),
        options.auditor?.print(),
        this.#customResources.printMetrics(),
        await options.printMetrics?.(),
      ]
        .filter(Boolean)
        .join('\n'),
    );
    this.#pipeline = new Pipeline({
      parts: this.#parts,
      authenticators: options.authenticators,
      authorizers: options.authorizers,
      handlers: options.handlers,
      discovery: new Discovery({
        table: this.registry.table,
        remotes: this.#aggregation,
        health: new Health(this.#healthChecks()),
        metrics,
        openApi: new OpenApi(this.registry.table, this.#aggregation),
        about: { nowMs: () => clock.now(), startedMs: clock.now(), flags: flagsOf(options) },
        serverAddress: () => (this.address ? `${this.address.host}:${this.address.port}` : ''),
        extraPaths: [...(options.extraPaths ?? []), ...dumpPaths(this.#flow, () => clock.now() - clock.monotonicMs())],
      }),
      aggregation: this.#aggregation,
      flow: this.#flow,
      metrics,
      auditor: options.auditor,
      requestTimeoutMs,
    });
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  get objects(): ObjectReader {
    return this.registry;
  }

  get table(): ResourceTable {
    return this.registry.table;
  }

  get createOwn(): ApiServer['createOwn'] {
    if (this.#options.auditor) return undefined;
    return (resource, object, manager) => createOwn(this.#parts, resource, object, manager);
  }

  get writer(): ObjectWriter {
    return objectWriter(this.#parts);
  }

  get address(): { host: string; port: number } | undefined {
    const address = this.#listener?.address;
    return address ? { host: address.address, port: address.port } : undefined;
  }

  async run(signal: AbortSignal): Promise<void> {
    const following = new AbortController();
    try {
      await this.#hub.load();
      const services = this.registry.list<Service & KubernetesObject>(serviceKind as never);
      await mendClaims(this.#options.store, services, this.#hub.revision, this.#options.log);
      this.#customResources.start();
      this.#aggregation?.start();
      const followed = this.#hub.follow(following.signal);
      const defined = this.#customResources.run(following.signal);
      const lent = this.#flow.run(following.signal);
      const aggregated = this.#aggregation?.run(following.signal);
      const { trustedAuthorities } = this.#options;
      const published =
        trustedAuthorities && keepAuthenticationConfig(this.#parts, trustedAuthorities, following.signal);
      const pruned = pruneHistory(this.#hub, this.#options.clock, following.signal);
      const { eventTtlMs: ttlMs = 3600_000, clock, log } = this.#options;
      const compared = checkDigest({ store: this.#options.store, hub: this.#hub, clock, log }, following.signal);
      const addresses = keepServiceIps(
        { registry: this.registry, clock, log, ask: (...asked) => this.#askItself(...asked) },
        following.signal,
      );
      const expired = expireEvents({ registry: this.registry, ttlMs, clock, log }, following.signal);
      if (this.#options.listen) await this.#listen(this.#options.listen);
      this.#isServing = true;
      this.#hasStarted = true;
      this.#ready.resolve();
      // The caches must not fall behind unnoticed: their failure ends the server.
      await Promise.race([untilAborted(signal), followed]);
      this.#isServing = false;
      await this.#drain();
      following.abort();
      await Promise.all([followed, pruned, defined, lent, aggregated, published, expired, addresses, compared]);
    } catch (error) {
      this.#ready.reject(error);
      throw error;
    } finally {
      following.abort();
      this.#open.stop();
      this.#listener?.force();
      for (const port of this.#ports) port[Symbol.dispose]();
      this.#parts.outbound[Symbol.dispose]();
    }
  }

  async #listen(where: NonNullable<ApiServerOptions['listen']>): Promise<void> {
    const { log } = this.#options;
    const identify = peerIdentifier(where.tls);
    this.#listener = await listen({
      ...where,
      log,
      onRequest: (request, response) => {
        const adapted = new NodeResponseAdapter(response, request.httpVersionMajor === 2);
        this.#take(response, adapted, (signal) => new NodeRequestAdapter(request, signal, identify));
      },
      onStream: (stream, headers, rawHeaders) => {
        const asked = (signal: AbortSignal) => new StreamRequest(stream, headers, rawHeaders, signal, identify);
        this.#take(stream, new StreamResponse(stream), asked);
      },
      onUpgrade: (request, socket, head) => this.#upgrade(request, socket, head, identify),
    });
  }

  #take(
    carrier: { on(event: 'close', listener: () => void): unknown },
    response: ServerResponse,
    asked: (signal: AbortSignal) => ServerRequest,
  ): void {
    const { signal, abort, end } = this.#requestSignal();
    let isHandled = false;
    // Mostly nobody is left to hear that the request is over.
    carrier.on('close', () => (isHandled ? end() : abort()));
    void this.#pipeline.handle(asked(signal), response).then(() => {
      isHandled = true;
    });
  }

  /** Lives as long as its request; ends early when the server stops. */
  #requestSignal(): { signal: AbortSignal; abort: () => void; end: () => void } {
    const controller = new AbortController();
    const opened = this.#open.add(() => controller.abort(requestOver));
    return {
      signal: controller.signal,
      end: () => opened[Symbol.dispose](),
      abort: () => {
        opened[Symbol.dispose]();
        controller.abort(requestOver);
      },
    };
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, identify: IdentifyPeer): void {
    const abort = this.#requestSignal();
    socket.on('error', () => socket.destroy());
    socket.on('close', abort.abort);
    const adapted = new NodeRequestAdapter(request, abort.signal, identify, { request, socket, head });
    void this.#pipeline.handle(adapted, new UpgradeResponse(socket));
  }

  async #drain(): Promise<void> {
    this.#listener?.close();
    // Watches end at once and resume elsewhere; short requests get their answer.
    this.#open.stop();
    if (!this.#listener) return;
    await Promise.race([this.#listener.closed, this.#options.clock.sleep(drainMs)]);
  }

  handleInProcess(user: UserInfo, request: InProcessRequest): Promise<InProcessResponse> {
    return callInProcess((asked, response) => this.#pipeline.handle(asked, response), user, request, this.#open);
  }

  async #askItself(method: string, path: string, body: object): Promise<number> {
    const headers = { 'content-type': 'application/json', 'user-agent': 'kube-apiserver' };
    const answer = await this.handleInProcess(serverUser, {
      method,
      path,
      headers,
      body: Buffer.from(JSON.stringify(body)),
    });
    await answer.bytes();
    return answer.status;
  }

  servePort(port: MessagePort, users: Readonly<Record<string, UserInfo>>): void {
    const served = servePort(
      port,
      users,
      (asked, response) => this.#pipeline.handle(asked, response),
      () => this.#ports.delete(served),
    );
    this.#ports.add(served);
  }

  #healthChecks(): HealthCheck[] {
    const everywhere = ['healthz', 'livez', 'readyz'] as const;
    return [
      { name: 'log', on: everywhere, problem: () => undefined },
      // Upstream talks to itself by a certificate that ends one day; we do in process.
      { name: 'loopback-serving-certificate', on: ['healthz', 'livez'], problem: () => undefined },
      {
        name: 'etcd',
        on: everywhere,
        problem: () =>
          this.#options.store.problem ?? (this.#hub.revision > 0 ? undefined : 'the store has not been read'),
      },
      { name: 'etcd-readiness', on: ['readyz'], problem: () => this.#options.store.problem },
      { name: 'informer-sync', on: ['readyz'], problem: () => (this.#isServing ? undefined : 'not serving') },
      ...startChecks(() => this.#hasStarted),
      ...(this.#options.healthChecks ?? []),
      { name: 'shutdown', on: ['readyz'], problem: () => (this.#isServing ? undefined : 'shutting down') },
    ];
  }

  #cacheFigures(): string {
    const lines = [
      '# HELP apiserver_storage_objects Objects stored, by resource.',
      '# TYPE apiserver_storage_objects gauge',
    ];
    for (const cache of this.#hub.caches()) {
      const [group, resource] = cache.prefix.split('/').slice(2);
      lines.push(
        `apiserver_storage_objects{group="${group === 'core' ? '' : group}",resource="${resource}"} ${cache.size}`,
      );
    }
    lines.push(...storageFigures(this.#options.store));
    return lines.join('\n');
  }
}
