// Keeps the node's nftables tables, one of each family, equal to the Services and EndpointSlices there are.
import { writeFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Node, Pod, Service } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { nodeKind, podKind, serviceKind } from '../../../generated/kinds.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import type { IpFamily } from '../addresses.ts';
import type { Nft } from '../nftables/nft.ts';
import { emptyPlan, type Plan } from '../nftables/rule-set.ts';
import { machineLabel } from '../overlay/plan-routes.ts';
import { type SlicesByService, serviceOfSlice, slicesByService } from '../service-of-slice.ts';
import { servedFamilies, type TableOptions } from './base-rules.ts';
import { FamilyTable } from './family-table.ts';
import { HealthPorts } from './health-ports.ts';
import { planHostPorts } from './plan-host-ports.ts';
import { type NodeFacts, planService, readyHere } from './plan-service.ts';
import { ProxyMetrics } from './proxy-metrics.ts';
import type { StaleFlow } from './stale-flows.ts';
import { type FamilyHealth, runStatusServer, type StatusPorts } from './status-server.ts';

export interface ServiceProxyOptions extends TableOptions {
  readonly nodeName: string;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often to see whether somebody removed our table; default 30 s. */
  readonly checkIntervalMs?: number;
  /** Where it tells how it is; absent: nowhere. */
  readonly statusPorts?: StatusPorts;
  /** What carries out transactions; default nft. */
  readonly nft?: Nft;
  readonly forgetFlows?: (flows: readonly StaleFlow[], family: IpFamily) => Promise<void>;
}

export interface ServiceProxy extends Component {
  /** Settles when the rules hold everything that was known at the start. */
  readonly ready: Promise<void>;
  /** Settles when no rule leads to this pod, which is going away, unless its Service has no other. */
  released(pod: Pod): Promise<void>;
}

/** For the requests that were under way when the rules changed. */
const lingerMs = 50;
const addressesOf = (node: Node | undefined): string[] =>
  (node?.status?.addresses ?? []).flatMap(({ type, address }) => (type === 'InternalIP' ? [address] : []));
const zoneLabel = 'topology.kubernetes.io/zone';
const leavingTaint = 'ToBeDeletedByClusterAutoscaler';
/** Rules that are behind for so long are told by the health checks. */
const healthTimeoutMs = 60_000;

export function createServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  return new NftablesProxy(options);
}

class NftablesProxy implements ServiceProxy {
  readonly name = 'service-proxy';
  readonly ready: Promise<void>;
  readonly #options: ServiceProxyOptions;
  readonly #tables: readonly FamilyTable[];
  readonly #services: Informer<Service>;
  readonly #slices: SlicesByService;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #metrics = new ProxyMetrics();
  readonly #healthPorts: HealthPorts;
  /** Services whose answer at their health check port may have changed. */
  readonly #unreported = new Set<string>();
  #reporting: NodeJS.Immediate | undefined;

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    const { informers, log } = options;
    this.#tables = servedFamilies(options).map(
      (family) =>
        new FamilyTable({
          ...options,
          family,
          plan: (owner) => this.#plan(owner, family),
          metrics: this.#metrics,
          onReplaced: () => (family === 'IPv4' ? this.#openLoopback() : Promise.resolve()),
        }),
    );
    this.ready = Promise.all(this.#tables.map((table) => table.ready)).then(() => {});
    this.#healthPorts = new HealthPorts({ isProxyHealthy: () => this.#isHealthy(), log });
    this.#services = informers.informer(serviceKind);
    this.#slices = slicesByService(informers);
    this.#pods = informers.informer(podKind, { fieldSelector: `spec.nodeName=${options.nodeName}` });
    this.#nodes = informers.informer(nodeKind);
    this.#listen();
  }

  #lookAt(...keys: readonly string[]): void {
    for (const table of this.#tables) table.lookAt(...keys);
  }

  #listen(): void {
    const { clock } = this.#options;
    const ofService = (service: Service) => {
      this.#metrics.queued('service', clock.now());
      this.#lookAt(`service ${keyOf(service)}`);
      this.#report(keyOf(service));
    };
    const ofSlice = (slice: EndpointSlice) => {
      this.#metrics.queued('endpoint', clock.now());
      for (const key of serviceOfSlice(slice)) {
        this.#lookAt(`service ${key}`);
        this.#report(key);
      }
    };
    const ofPod = (pod: Pod) => this.#lookAt(`pod ${keyOf(pod)}`);
    this.#services.onChange({ added: ofService, updated: ofService, deleted: ofService });
    this.#slices.informer.onChange({
      added: ofSlice,
      deleted: ofSlice,
      updated: (next, previous) => {
        if (serviceOfSlice(previous)[0] !== serviceOfSlice(next)[0]) ofSlice(previous);
        ofSlice(next);
      },
    });
    this.#pods.onChange({
      added: ofPod,
      deleted: ofPod,
      updated: (next, previous) => {
        ofPod(next);
        // A pod told to go leaves its services now, without waiting for its slice to say so.
        if (next.metadata.deletionTimestamp && !previous.metadata.deletionTimestamp)
          this.#lookAt(...this.#servicesOf(next));
      },
    });
    this.#nodes.onChange({
      added: (node) => {
        this.#placeKnown(node, undefined);
        if (this.#isFurther(node.metadata.name)) this.#furtherKnown();
      },
      updated: (next, previous) => this.#placeKnown(next, previous),
    });
  }

  /** Hints are read against this node's own zone, and ranges of sources against its addresses. */
  #placeKnown(next: Node, previous: Node | undefined): void {
    if (next.metadata.name !== this.#options.nodeName) return;
    const isSameZone = next.metadata.labels?.[zoneLabel] === previous?.metadata.labels?.[zoneLabel];
    if (isSameZone && isDeepStrictEqual(addressesOf(next), addressesOf(previous))) return;
    this.#lookAt(...this.#services.list().map((service) => `service ${keyOf(service)}`));
  }

  /** A node whose pods this one answers for under the Local policy. */
  #furtherKnown(): void {
    const those = this.#services.list().filter(({ spec }) => spec?.externalTrafficPolicy === 'Local');
    this.#lookAt(...those.map((service) => `service ${keyOf(service)}`));
  }

  #isFurther(nodeName: string): boolean {
    return this.#nodes.find(nodeName)?.metadata.labels?.[machineLabel] === this.#options.nodeName;
  }

  async released(pod: Pod): Promise<void> {
    const keys = this.#servicesOf(pod);
    if (keys.length === 0) return;
    await Promise.all(this.#tables.map((table) => table.applied(...keys)));
    await this.#options.clock.sleep(lingerMs);
  }

  #servicesOf(pod: Pod): string[] {
    const leadsTo = (slice: EndpointSlice) =>
      (slice.endpoints ?? []).some(
        ({ targetRef }) => targetRef?.kind === 'Pod' && targetRef.name === pod.metadata.name,
      );
    const slices = this.#slices.informer.list(pod.metadata.namespace).filter(leadsTo);
    return [...new Set(slices.flatMap(serviceOfSlice))].map((key) => `service ${key}`);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { statusPorts, clock, log } = this.#options;
    const status =
      statusPorts &&
      runStatusServer(
        {
          ports: statusPorts,
          health: () => this.#health(),
          isNodeEligible: () => this.#isNodeEligible(),
          metrics: this.#metrics,
          clock,
          log,
        },
        signal,
      );
    await Promise.all([...this.#tables.map((table) => table.run(signal)), status]);
    clearImmediate(this.#reporting);
    this.#healthPorts.close();
  }

  #plan(owner: string, family: IpFamily): Plan {
    const [kind, name] = owner.split(' ') as [string, string];
    if (kind === 'pod') {
      const pod = this.#pods.find(name);
      return pod ? planHostPorts(pod, family) : emptyPlan;
    }
    const service = this.#services.find(name);
    return service ? planService(service, this.#slices.of(name), this.#facts(), family) : emptyPlan;
  }

  #facts(): NodeFacts {
    const { nodeName, podCidr, clusterPodCidr } = this.#options;
    const node = this.#nodes.find(nodeName);
    return {
      nodeName,
      podCidr,
      clusterPodCidr,
      zone: node?.metadata.labels?.[zoneLabel],
      addresses: addressesOf(node),
      isFurther: (name) => this.#isFurther(name),
      isLeaving: (podKey) => this.#pods.find(podKey)?.metadata.deletionTimestamp !== undefined,
    };
  }

  /** Many changes of one Service are one look at it. */
  #report(serviceKey: string): void {
    this.#unreported.add(serviceKey);
    this.#reporting ??= setImmediate(() => {
      this.#reporting = undefined;
      for (const key of this.#unreported) this.#reportOne(key);
      this.#unreported.clear();
    });
  }

  #reportOne(serviceKey: string): void {
    const service = this.#services.find(serviceKey);
    const port = service?.spec?.healthCheckNodePort;
    if (!service || !port || service.spec?.externalTrafficPolicy !== 'Local') {
      this.#healthPorts.set(serviceKey, undefined);
      return;
    }
    const localEndpoints = readyHere(service, this.#slices.of(serviceKey), this.#facts());
    this.#healthPorts.set(serviceKey, { port, localEndpoints });
  }

  #health(): ReadonlyMap<IpFamily, FamilyHealth> {
    const now = this.#options.clock.monotonicMs();
    return new Map(
      this.#tables.map(({ family, appliedMs: updatedMs, pendingSinceMs = now }) => [
        family,
        { updatedMs, isHealthy: now - pendingSinceMs < healthTimeoutMs },
      ]),
    );
  }

  #isHealthy(): boolean {
    return [...this.#health().values()].every(({ isHealthy }) => isHealthy);
  }

  #isNodeEligible(): boolean {
    const node = this.#nodes.find(this.#options.nodeName);
    if (!node || node.metadata.deletionTimestamp) return false;
    return !node.spec?.taints?.some(({ key }) => key === leavingTaint);
  }

  /** Lets the node itself use localhost:PORT; only now, when the rule that keeps pods away from its loopback stands. */
  async #openLoopback(): Promise<void> {
    const { bridge, log } = this.#options;
    try {
      await writeFile(`/proc/sys/net/ipv4/conf/${bridge}/route_localnet`, '1');
    } catch (error) {
      log.debug('localhost does not lead to node ports', { reason: (error as Error).message });
    }
  }
}
