import type { Pod, Service } from '../../generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../../generated/discovery-v1.ts';
import { endpointSliceKind, nodeKind, podKind, serviceKind } from '../../generated/kinds.ts';
import { isEqual } from '../api/meta/equality.ts';
import { keyOf } from '../api/meta/object.ts';
import { controllerReference } from '../api/meta/owner-references.ts';
import type { ControllerDefinition, KeyQueue } from '../reconcile/controller.ts';
import { Expectations } from '../reconcile/expectations.ts';
import type { Informer } from '../reconcile/informer.ts';
import { type EndpointGroup, planSlices } from './endpoints/plan-slices.ts';
import {
  hasSelector,
  hostnameOf,
  isHeadless,
  podsOf,
  portsOf,
  targetOf,
  watchServicePods,
} from './endpoints/service-pods.ts';
import { headlessLabel, managedByLabel, serviceNameLabel, writeSlices } from './endpoints/slice-writer.ts';
import { TriggerTimes } from './endpoints/trigger-times.ts';
import { isReady } from './shared/pod-state.ts';

const manager = 'endpointslice-controller.k8s.io';
const zoneLabel = 'topology.kubernetes.io/zone';
const serviceIndex = 'endpointslice-of-service';
const missingNodeRetryMs = 10_000;

/** Writes the endpoints of each Service's pods into slices. */
export const endpointSliceController: ControllerDefinition = {
  name: 'endpointslice',
  setup({ client, informers, clock }, queue) {
    const services = informers.informer(serviceKind);
    const pods = informers.informer(podKind);
    const nodes = informers.informer(nodeKind);
    const slices = informers.informer(endpointSliceKind);
    const expectations = new Expectations(clock, queue);
    const triggerTimes = new TriggerTimes();
    indexByService(slices);
    watchServicePods(services, pods, queue);
    watchSlices(slices, expectations, queue, manager);
    // Zones come from nodes: those whose pods wait for a node are looked at again.
    const waitingForNode = new Set<string>();
    nodes.onChange({
      added: () => {
        for (const key of waitingForNode) queue.add(key);
      },
      updated: (next, previous) => {
        if (next.metadata.labels?.[zoneLabel] === previous.metadata.labels?.[zoneLabel]) return;
        for (const service of services.list()) queue.add(keyOf(service));
      },
    });

    return {
      name: 'endpointslice',
      async reconcile(key) {
        const service = services.find(key);
        if (!service || service.metadata.deletionTimestamp) {
          expectations.forget(key);
          triggerTimes.forget(key);
          waitingForNode.delete(key);
          return;
        }
        if (!hasSelector(service) || service.spec?.type === 'ExternalName' || !expectations.areMet(key)) return;
        const chosen = podsOf(service, pods);
        const { groups, isMissingNode } = planGroups(service, chosen, nodes);
        const existing = slicesOf(slices, key, manager);
        const shape = {
          namespace: service.metadata.namespace ?? '',
          serviceName: service.metadata.name,
          labels: labelsOf(service),
          triggeredAt: triggerTimes.next(service, chosen) ?? '',
          owner: controllerReference(service, serviceKind),
          addressType: service.spec?.ipFamilies?.[0] === 'IPv6' ? ('IPv6' as const) : ('IPv4' as const),
        };
        await writeSlices({ client, expectations, key }, shape, existing, planSlices(existing, groups));
        if (!isMissingNode) waitingForNode.delete(key);
        else {
          waitingForNode.add(key);
          queue.addAfter(key, missingNodeRetryMs);
        }
      },
    };
  },
};

/** Finds slices by the Service they name. */
export function indexByService(slices: Informer<EndpointSlice>): void {
  slices.addIndex(serviceIndex, ({ metadata }) => {
    const name = metadata.labels?.[serviceNameLabel];
    return name ? [`${metadata.namespace}/${name}`] : [];
  });
}

export function slicesOf(slices: Informer<EndpointSlice>, key: string, managedBy: string): EndpointSlice[] {
  return slices.byIndex(serviceIndex, key).filter(({ metadata }) => metadata.labels?.[managedByLabel] === managedBy);
}

/** Changes of our slices by others are put right; our own creations are checked off. */
export function watchSlices(
  slices: Informer<EndpointSlice>,
  expectations: Expectations,
  queue: KeyQueue,
  managedBy: string,
): void {
  const keyOfService = ({ metadata }: EndpointSlice) => {
    const name = metadata.labels?.[serviceNameLabel];
    return name && metadata.labels?.[managedByLabel] === managedBy ? `${metadata.namespace}/${name}` : undefined;
  };
  const add = (slice: EndpointSlice) => {
    const key = keyOfService(slice);
    if (key) queue.add(key);
  };
  slices.onChange({
    added: (slice) => {
      const key = keyOfService(slice);
      if (!key) return;
      expectations.creationSeen(key);
      queue.add(key);
    },
    updated: (next, previous) => {
      add(next);
      if (!isEqual(next.metadata.labels, previous.metadata.labels)) add(previous);
    },
    deleted: add,
  });
}

function labelsOf(service: Service): Record<string, string> {
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {};
  return {
    ...labels,
    [managedByLabel]: manager,
    [serviceNameLabel]: service.metadata.name,
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
  };
}

/** Endpoints by the ports they share; pods on nodes that are not known have no zone yet and wait. */
function planGroups(service: Service, pods: readonly Pod[], nodes: Informer<object & { metadata: any }>) {
  const groups = new Map<string, { ports: EndpointGroup['ports']; endpoints: Map<string, Endpoint> }>();
  let isMissingNode = false;
  for (const pod of pods) {
    const node = pod.spec?.nodeName ? nodes.find(pod.spec.nodeName) : undefined;
    if (pod.spec?.nodeName && !node) {
      isMissingNode = true;
      continue;
    }
    const ports = portsOf(service, pod).sort((a, b) => (a.name < b.name ? -1 : 1));
    const id = JSON.stringify(ports);
    const group = groups.get(id) ?? { ports, endpoints: new Map() };
    groups.set(id, group);
    group.endpoints.set(
      pod.metadata.uid ?? pod.metadata.name,
      endpointOf(service, pod, node?.metadata.labels?.[zoneLabel]),
    );
  }
  return { groups: [...groups.values()], isMissingNode };
}

function endpointOf(service: Service, pod: Pod, zone: string | undefined): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = (service.spec?.publishNotReadyAddresses ?? false) || (serving && !terminating);
  const hostname = hostnameOf(service, pod);
  const nodeName = pod.spec?.nodeName;
  const hints = ready ? hintsOf(service, nodeName, zone) : undefined;
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    targetRef: targetOf(pod),
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hints ? { hints } : {}),
  };
}

/** Where the Service would like its traffic to stay. */
function hintsOf(service: Service, nodeName: string | undefined, zone: string | undefined): Endpoint['hints'] {
  const wish = service.spec?.trafficDistribution;
  if (!wish || !zone) return undefined;
  const forZones = [{ name: zone }];
  return wish === 'PreferSameNode' && nodeName ? { forZones, forNodes: [{ name: nodeName }] } : { forZones };
}
