// Keeps the node's nftables table equal to the Services and EndpointSlices there are.
import { writeFile } from 'node:fs/promises';
import type { Pod, Service } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { podKind, serviceKind } from '../../../generated/kinds.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import { KeptTable } from '../nftables/kept-table.ts';
import type { Nft } from '../nftables/nft.ts';
import { emptyPlan, type Plan } from '../nftables/rule-set.ts';
import { type SlicesByService, serviceOfSlice, slicesByService } from '../service-of-slice.ts';
import { planBase, type TableOptions } from './base-rules.ts';
import { planHostPorts } from './plan-host-ports.ts';
import { planService } from './plan-service.ts';
import { forgetFlows, planStaleFlows, type StaleFlow } from './stale-flows.ts';

export interface ServiceProxyOptions extends TableOptions {
  readonly nodeName: string;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
  /** How often to see whether somebody removed our table; default 30 s. */
  readonly checkIntervalMs?: number;
  /** What carries out transactions; default nft. */
  readonly nft?: Nft;
  readonly forgetFlows?: (flows: readonly StaleFlow[]) => Promise<void>;
}

export interface ServiceProxy extends Component {
  /** Settles when the rules hold everything that was known at the start. */
  readonly ready: Promise<void>;
  /** Settles when no rule leads to this pod, which is going away, unless its Service has no other. */
  released(pod: Pod): Promise<void>;
}

/** For the requests that were under way when the rules changed. */
const lingerMs = 50;

export function createServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  return new NftablesProxy(options);
}

class NftablesProxy implements ServiceProxy {
  readonly name = 'service-proxy';
  readonly #options: ServiceProxyOptions;
  readonly #table: KeptTable;
  readonly #services: Informer<Service>;
  readonly #slices: SlicesByService;
  readonly #pods: Informer<Pod>;
  /** To be forgotten once the rules have changed. */
  readonly #stale: StaleFlow[] = [];

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    const { table, clock, log, checkIntervalMs, nft, informers } = options;
    this.#table = new KeptTable({
      name: 'services',
      table,
      base: () => planBase(options),
      plan: (key) => this.#plan(key),
      synced: (signal) => informers.waitForSync(signal),
      onPlanned: (before, after) => this.#stale.push(...planStaleFlows(before.udp, after.udp)),
      onApplied: (replaced) => this.#applied(replaced),
      clock,
      log,
      checkIntervalMs,
      nft,
    });
    this.#services = informers.informer(serviceKind);
    this.#slices = slicesByService(informers);
    this.#pods = informers.informer(podKind, { fieldSelector: `spec.nodeName=${options.nodeName}` });
    this.#listen();
  }

  get ready(): Promise<void> {
    return this.#table.ready;
  }

  #listen(): void {
    const lookAt = (...keys: readonly string[]) => this.#table.lookAt(...keys);
    const ofService = (service: Service) => lookAt(`service ${keyOf(service)}`);
    const ofSlice = (slice: EndpointSlice) => lookAt(...serviceOfSlice(slice).map((key) => `service ${key}`));
    const ofPod = (pod: Pod) => lookAt(`pod ${keyOf(pod)}`);
    this.#services.onChange({ added: ofService, updated: ofService, deleted: ofService });
    this.#slices.informer.onChange({
      added: ofSlice,
      deleted: ofSlice,
      updated: (next, previous) => {
        ofSlice(previous);
        ofSlice(next);
      },
    });
    this.#pods.onChange({
      added: ofPod,
      deleted: ofPod,
      updated: (next, previous) => {
        ofPod(next);
        // A pod told to go leaves its services now, without waiting for its slice to say so.
        if (next.metadata.deletionTimestamp && !previous.metadata.deletionTimestamp) lookAt(...this.#servicesOf(next));
      },
    });
  }

  async released(pod: Pod): Promise<void> {
    const keys = this.#servicesOf(pod);
    if (keys.length === 0) return;
    await this.#table.applied(...keys);
    await this.#options.clock.sleep(lingerMs);
  }

  #servicesOf(pod: Pod): string[] {
    const leadsTo = (slice: EndpointSlice) =>
      (slice.endpoints ?? []).some(
        ({ targetRef }) => targetRef?.kind === 'Pod' && targetRef.name === pod.metadata.name,
      );
    const slices = this.#slices.informer.list(pod.metadata.namespace).filter(leadsTo);
    return slices.flatMap(serviceOfSlice).map((key) => `service ${key}`);
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#table.run(signal);
  }

  async #applied(replaced: boolean): Promise<void> {
    if (replaced) await this.#openLoopback();
    await (this.#options.forgetFlows ?? forgetFlows)(this.#stale.splice(0));
  }

  #plan(key: string): Plan {
    const [kind, name] = key.split(' ') as [string, string];
    if (kind === 'pod') {
      const pod = this.#pods.find(name);
      return pod ? planHostPorts(pod) : emptyPlan;
    }
    const service = this.#services.find(name);
    if (!service) return emptyPlan;
    return planService(service, this.#slices.of(name), {
      nodeName: this.#options.nodeName,
      podCidr: this.#options.podCidr,
      isLeaving: (podKey) => this.#pods.find(podKey)?.metadata.deletionTimestamp !== undefined,
    });
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
