// Has this node answer for the addresses of load balancers that fall to it: they are put where the kernel answers for them
// on every wire, by ARP or neighbour discovery, and the service proxy leads what comes to the pods.
import type { Node, Service } from '../../../generated/core-v1.ts';
import { nodeKind, serviceKind } from '../../../generated/kinds.ts';
import { announcedAddresses } from '../../api/core/announced-addresses.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { Clock } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import type { Logger } from '../../base/log.ts';
import type { Informer, InformerFactory } from '../../reconcile/informer.ts';
import { familyOf } from '../addresses.ts';
import { type SlicesByService, slicesByService } from '../service-of-slice.ts';
import { type BoundAddresses, bindAddresses, type OnUntold } from './bind-addresses.ts';
import { chooseNode } from './choose-node.ts';

export interface AnnouncerOptions {
  readonly nodeName: string;
  /** Where the addresses are put. */
  readonly bridge: string;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Somebody may take addresses away. */
const resyncMs = 30_000;
const retryMs = 1_000;

export function createAnnouncer(options: AnnouncerOptions): Component {
  return new Announcer(options);
}

class Announcer implements Component {
  readonly name = 'load-balancer-announcer';
  readonly #options: AnnouncerOptions;
  readonly #services: Informer<Service>;
  readonly #slices: SlicesByService;
  readonly #nodes: Informer<Node>;
  /** Services with an address to answer for. */
  readonly #announced = new Set<string>();
  /** An earlier run may have left some. */
  #mayHaveSome = true;
  #wake = Promise.withResolvers<void>();

  constructor(options: AnnouncerOptions) {
    this.#options = options;
    this.#services = options.informers.informer(serviceKind);
    this.#slices = slicesByService(options.informers);
    this.#nodes = options.informers.informer(nodeKind);
    const changed = (service: Service) => this.#note(service);
    this.#services.onChange({
      added: changed,
      updated: changed,
      deleted: (service) => this.#announced.delete(keyOf(service)) && this.#wake.resolve(),
    });
    const look = () => {
      if (this.#announced.size > 0) this.#wake.resolve();
    };
    this.#slices.informer.onChange({ added: look, updated: look, deleted: look });
    this.#nodes.onChange({ added: look, updated: look, deleted: look });
  }

  #note(service: Service): void {
    const key = keyOf(service);
    const isAnnounced = announcedAddresses(service).length > 0;
    if (!isAnnounced && !this.#announced.has(key)) return;
    if (isAnnounced) this.#announced.add(key);
    else this.#announced.delete(key);
    this.#wake.resolve();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { informers, clock, log, bridge } = this.#options;
    signal.addEventListener('abort', () => this.#wake.resolve(), { once: true });
    await informers.waitForSync(signal);
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      let pauseMs = resyncMs;
      try {
        const wanted = this.#wanted();
        if (wanted.taken.length > 0 || this.#mayHaveSome) await bindAddresses(bridge, wanted, this.#onUntold);
        this.#mayHaveSome = wanted.taken.length > 0;
      } catch (error) {
        log.warn('addresses of load balancers could not be set', { problem: String(error) });
        pauseMs = retryMs;
      }
      using _timer = clock.timer(pauseMs, () => this.#wake.resolve());
      await this.#wake.promise;
    }
  }

  #onUntold: OnUntold = (device, address, error) =>
    this.#options.log.warn('neighbours could not be told of a load balancer', {
      device,
      address,
      problem: String(error),
    });

  #wanted(): BoundAddresses {
    const { nodeName } = this.#options;
    const [all, announced]: [string[], string[]] = [[], []];
    for (const key of this.#announced) {
      const service = this.#services.find(key);
      if (!service) continue;
      for (const address of announcedAddresses(service)) {
        all.push(address);
        const chosen = chooseNode(address, service, this.#slices.of(key), this.#nodes.list());
        if (chosen === nodeName) announced.push(address);
      }
    }
    // Every node has ways of its own to the pods behind an address. Of IPv4 it would answer for it on all wires, too; for
    // IPv6 there may be no other way to it, not even the one out.
    return { announced, taken: all.filter((each) => announced.includes(each) || familyOf(each) === 'IPv6') };
  }
}
