// Gives Services of type LoadBalancer what they ask for, and takes it back when they are changed or deleted.
import type { LoadBalancerStatus, Node, Service } from '../../generated/core-v1.ts';
import { nodeKind, serviceKind } from '../../generated/kinds.ts';
import { takesOutsideTraffic } from '../api/core/load-balancer-nodes.ts';
import { keyOf } from '../api/meta/object.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import type { Client } from '../client/client.ts';
import type { ControllerContext, ControllerDefinition, EventRecorder } from '../reconcile/controller.ts';
import { AddressPool } from './load-balancer/address-pool.ts';
import type { LoadBalancers } from './load-balancer/load-balancers.ts';

const finalizer = 'service.kubernetes.io/load-balancer-cleanup';

/** @param ranges of addresses, as address-range.ts reads them */
export const serviceLoadBalancer = (ranges: readonly string[]): ControllerDefinition => ({
  name: 'service-lb-controller',
  setup(context, queue) {
    const services = context.informers.informer(serviceKind);
    const nodes = context.informers.informer(nodeKind);
    const look = (service: Service) => (wants(service) || isHeld(service)) && queue.add(keyOf(service));
    services.onChange({
      added: look,
      updated: (next, previous) => {
        look(next);
        // A Service that left a range free lets another in.
        if (isHeld(previous) && !isHeld(next)) services.list().filter(isWaiting).forEach(look);
      },
      deleted: () => services.list().filter(isWaiting).forEach(look),
    });
    const pool = new AddressPool({
      ranges,
      services: () => services.list(),
      taken: () => nodes.list().flatMap(({ status }) => (status?.addresses ?? []).map(({ address }) => address)),
    });
    const sync = new LoadBalancerSync(context, pool, () => nodes.list().filter(takesOutsideTraffic));
    return {
      name: 'service-lb-controller',
      workers: 1,
      async reconcile(key, signal) {
        const service = services.find(key);
        if (service) await sync.look(service, signal);
      },
    };
  },
});

const wants = ({ metadata, spec }: Service) =>
  spec?.type === 'LoadBalancer' && !spec.loadBalancerClass && metadata.deletionTimestamp === undefined;
const isHeld = ({ metadata }: Service) => metadata.finalizers?.includes(finalizer) ?? false;
const hasAddress = ({ status }: Service) => (status?.loadBalancer?.ingress ?? []).length > 0;
const isWaiting = (service: Service) => wants(service) && !hasAddress(service);

class LoadBalancerSync {
  readonly #client: Client;
  readonly #events: EventRecorder;
  readonly #balancers: LoadBalancers;
  readonly #nodes: () => readonly Node[];

  constructor({ client, recorder }: ControllerContext, balancers: LoadBalancers, nodes: () => readonly Node[]) {
    this.#client = client;
    this.#events = recorder('service-controller');
    this.#balancers = balancers;
    this.#nodes = nodes;
  }

  async look(service: Service, signal: AbortSignal): Promise<void> {
    if (wants(service)) {
      // Who has an address keeps it; somebody else may have given it.
      if (!hasAddress(service) || !this.#balancers.isComplete(service)) await this.#ensure(service, signal);
    } else if (isHeld(service)) {
      await this.#remove(service, signal);
    }
  }

  async #ensure(service: Service, signal: AbortSignal): Promise<void> {
    this.#tell(service, 'Normal', 'EnsuringLoadBalancer', 'Ensuring load balancer');
    try {
      const finalizers = [...new Set([...(service.metadata.finalizers ?? []), finalizer])];
      const status = await this.#balancers.ensure(service, this.#nodes(), signal);
      await this.#write(service, finalizers, status);
    } catch (error) {
      if (signal.aborted || isNotFound(error)) return;
      const message = `Error syncing load balancer: failed to ensure load balancer: ${(error as Error).message}`;
      this.#tell(service, 'Warning', 'SyncLoadBalancerFailed', message);
      throw error;
    }
    this.#tell(service, 'Normal', 'EnsuredLoadBalancer', 'Ensured load balancer');
  }

  async #remove(service: Service, signal: AbortSignal): Promise<void> {
    this.#tell(service, 'Normal', 'DeletingLoadBalancer', 'Deleting load balancer');
    await this.#balancers.remove(service, signal);
    const finalizers = (service.metadata.finalizers ?? []).filter((each) => each !== finalizer);
    await this.#write(service, finalizers, {}).catch((error) => {
      if (!isNotFound(error)) throw error;
    });
    this.#tell(service, 'Normal', 'DeletedLoadBalancer', 'Deleted load balancer');
  }

  /** Both through the status, which is all that this controller may write. */
  async #write({ metadata }: Service, finalizers: string[], loadBalancer: LoadBalancerStatus): Promise<void> {
    const annotations = this.#balancers.annotations(loadBalancer);
    const patch = {
      metadata: { finalizers, annotations, resourceVersion: metadata.resourceVersion },
      status: { loadBalancer: { ingress: loadBalancer.ingress ?? null } },
    };
    const key = { namespace: metadata.namespace!, name: metadata.name };
    await this.#client.resource(serviceKind).patch(key, patch, { type: 'merge', subresource: 'status' });
  }

  #tell(service: Service, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#events.event({ ...service, apiVersion: 'v1', kind: 'Service' }, type, reason, message);
  }
}
