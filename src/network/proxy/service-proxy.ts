// Keeps the node's nftables table equal to the Services and EndpointSlices there are. Every event means "look again" at
// one service; what changed since the last transaction goes into the next, and nothing else does.
import { writeFile } from 'node:fs/promises';
import type { Pod, Service } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { podKind, serviceKind } from '../../../generated/kinds.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import { type SlicesByService, serviceOfSlice, slicesByService } from '../service-of-slice.ts';
import { planBase, type TableOptions } from './base-rules.ts';
import { findRefused } from './find-refused.ts';
import { type Nft, nft as systemNft } from './nft.ts';
import { planHostPorts } from './plan-host-ports.ts';
import { planService } from './plan-service.ts';
import { emptyPlan, type Plan } from './rule-set.ts';
import { forgetFlows, planStaleFlows, type StaleFlow } from './stale-flows.ts';
import { TableState } from './table-state.ts';

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
const retryDelaysMs = [50, 200, 1_000, 5_000, 15_000];

export function createServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  return new NftablesProxy(options);
}

class NftablesProxy implements ServiceProxy {
  readonly name = 'service-proxy';
  readonly ready: Promise<void>;
  readonly #options: ServiceProxyOptions;
  readonly #state: TableState;
  readonly #services: Informer<Service>;
  readonly #slices: SlicesByService;
  readonly #pods: Informer<Pod>;
  /** `service NAMESPACE/NAME` or `pod NAMESPACE/NAME`: what to look at again. */
  readonly #dirty = new Set<string>();
  readonly #becameReady = Promise.withResolvers<void>();
  #wake = Promise.withResolvers<void>();
  /** Waiting for the next transaction that succeeds. */
  #waiting: (() => void)[] = [];
  #failures = 0;
  /** The table must be made anew: at the start, after a failure, or when it is gone. */
  #mustReplace = true;

  constructor(options: ServiceProxyOptions) {
    this.#options = options;
    this.ready = this.#becameReady.promise;
    this.#state = new TableState(options.table);
    this.#services = options.informers.informer(serviceKind);
    this.#slices = slicesByService(options.informers);
    this.#pods = options.informers.informer(podKind, { fieldSelector: `spec.nodeName=${options.nodeName}` });
    this.#listen();
  }

  #listen(): void {
    const lookAt = (...keys: readonly string[]) => {
      for (const key of keys) this.#dirty.add(key);
      if (keys.length > 0) this.#wake.resolve();
    };
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
    for (const key of keys) this.#dirty.add(key);
    const applied = Promise.withResolvers<void>();
    this.#waiting.push(applied.resolve);
    this.#wake.resolve();
    await applied.promise;
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

  async run(signal: AbortSignal): Promise<void> {
    const { informers, clock, checkIntervalMs = 30_000 } = this.#options;
    const nft = this.#options.nft ?? systemNft;
    await informers.waitForSync(signal);
    const onAbort = () => this.#wake.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    const checks = this.#check(nft, checkIntervalMs, signal);
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      if (this.#dirty.size === 0 && !this.#mustReplace) await this.#wake.promise;
      if (signal.aborted) break;
      const delayMs = await this.#sync(nft);
      if (delayMs > 0) await clock.sleep(delayMs, signal);
    }
    signal.removeEventListener('abort', onAbort);
    await checks;
  }

  /** Sends what changed. Gives the time to wait before the next attempt. */
  async #sync(nft: Nft): Promise<number> {
    const { log } = this.#options;
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    const waiting = this.#waiting;
    this.#waiting = [];
    const stale: StaleFlow[] = [];
    for (const key of dirty) {
      const plan = this.#plan(key);
      stale.push(...planStaleFlows(this.#state.planOf(key).udp, plan.udp));
      this.#state.set(key, plan);
    }
    const replaces = this.#mustReplace;
    if (replaces) this.#state.forgetKernel();
    const changes = this.#state.takeChanges();
    try {
      await nft.apply(replaces ? [...planBase(this.#options), ...changes] : changes);
    } catch (error) {
      log.error('service rules refused', error, { services: this.#state.size });
      this.#mustReplace = true;
      this.#waiting.push(...waiting);
      if (replaces) await this.#leaveOutRefused(nft);
      return retryDelaysMs[Math.min(this.#failures++, retryDelaysMs.length - 1)]!;
    }
    this.#state.committed();
    this.#mustReplace = false;
    this.#failures = 0;
    if (replaces) await this.#openLoopback();
    this.#becameReady.resolve();
    for (const settle of waiting) settle();
    await (this.#options.forgetFlows ?? forgetFlows)(stale);
    return 0;
  }

  /** Without the services that the kernel will not take, so that the others are served. They are tried when they change. */
  async #leaveOutRefused(nft: Nft): Promise<void> {
    for (const owner of await findRefused(nft, this.#options, this.#state)) {
      this.#options.log.warn('left out: the kernel does not take its rules', { owner });
      this.#state.set(owner, emptyPlan);
    }
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

  /** Other programs flush all tables (a firewall that reloads): then ours must be made again. */
  async #check(nft: Nft, intervalMs: number, signal: AbortSignal): Promise<void> {
    const { clock, log, table } = this.#options;
    for (;;) {
      await clock.sleep(intervalMs, signal);
      if (signal.aborted) return;
      try {
        if (await nft.hasTable(table)) continue;
        log.warn('the table of services is gone; making it again', { table });
        this.#mustReplace = true;
        this.#wake.resolve();
      } catch (error) {
        log.error('looking for the table of services', error);
      }
    }
  }
}
