import type { Node, Pod, Service } from '../../generated/core-v1.ts';
import type { Endpoint, EndpointSlice } from '../../generated/discovery-v1.ts';
import { endpointSliceKind, nodeKind, podKind, serviceKind } from '../../generated/kinds.ts';
import { findCondition } from '../api/meta/conditions.ts';
import { isEqual } from '../api/meta/equality.ts';
import { keyOf } from '../api/meta/object.ts';
import { controllerReference } from '../api/meta/owner-references.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerDefinition, KeyQueue } from '../reconcile/controller.ts';
import { Expectations } from '../reconcile/expectations.ts';
import type { Informer } from '../reconcile/informer.ts';
import { slicePortsInOrder } from './endpoints/canonical-subsets.ts';
import { type EndpointGroup, identityOf, planSlices } from './endpoints/plan-slices.ts';
import {
  addressesOf,
  hasSelector,
  hostnameOf,
  type IpFamily,
  isHeadless,
  podsOf,
  portsOf,
  targetOf,
  watchServicePods,
} from './endpoints/service-pods.ts';
import { headlessLabel, managedByLabel, serviceNameLabel, writeSlices } from './endpoints/slice-writer.ts';
import { asksForHints, planHints, zoneShares } from './endpoints/topology-hints.ts';
import { TriggerTimes } from './endpoints/trigger-times.ts';
import { isReady } from './shared/pod-state.ts';

const manager = 'endpointslice-controller.k8s.io';
const zoneLabel = 'topology.kubernetes.io/zone';
const serviceIndex = 'endpointslice-of-service';
const missingNodeRetryMs = 10_000;

/** Writes the endpoints of each Service's pods into slices. */
export const endpointSliceController: ControllerDefinition = {
  name: 'endpointslice',
  setup({ client, informers, clock, recorder }, queue) {
    const events = recorder('endpoint-slice-controller');
    /** Services whose endpoints have hints by annotation, by key. */
    const hinted = new Set<string>();
    let shares: ReturnType<typeof zoneShares> | 'unknown' = 'unknown';
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
    const countAgain = () => {
      if (shares === 'unknown') return; // nobody has been told of them since
      shares = 'unknown';
      for (const service of services.list()) if (asksForHints(service.metadata.annotations)) queue.add(keyOf(service));
    };
    nodes.onChange({
      added: () => {
        countAgain();
        for (const key of waitingForNode) queue.add(key);
      },
      updated: (next, previous) => {
        const isElsewhere = next.metadata.labels?.[zoneLabel] !== previous.metadata.labels?.[zoneLabel];
        if (isElsewhere) for (const service of services.list()) queue.add(keyOf(service));
        const isOther = readiness(next) !== readiness(previous);
        if (isElsewhere || isOther) countAgain();
      },
      deleted: countAgain,
    });
    /** Gives the endpoints the zones they are to serve, and says what becomes of hints. */
    const hint = (service: Service, own: readonly EndpointSlice[], groups: Groups, addressType: IpFamily): void => {
      const key = keyOf(service);
      const tell = (type: 'Normal' | 'Warning', what: 'Enabled' | 'Disabled', message: string) =>
        events.event(
          about(serviceKind, service),
          type,
          `TopologyAwareHints${what}`,
          `${message}, addressType: ${addressType}`,
        );
      if (!asksForHints(service.metadata.annotations)) {
        if (hinted.delete(key)) tell('Warning', 'Disabled', 'Topology Aware Hints has been disabled');
        return;
      }
      if (shares === 'unknown') shares = zoneShares(nodes.list());
      const plan = hintGroups(own, groups, shares);
      if (plan) {
        hinted.delete(key);
        tell('Warning', 'Disabled', plan.refused);
      } else if (!hinted.has(key)) {
        hinted.add(key);
        tell('Normal', 'Enabled', 'Topology Aware Hints has been enabled');
      }
    };

    return {
      name: 'endpointslice',
      async reconcile(key) {
        const service = services.find(key);
        if (!service || service.metadata.deletionTimestamp) {
          expectations.forget(key);
          triggerTimes.forget(key);
          waitingForNode.delete(key);
          hinted.delete(key);
          return;
        }
        if (!hasSelector(service) || service.spec?.type === 'ExternalName' || !expectations.areMet(key)) return;
        const chosen = podsOf(service, pods);
        const existing = slicesOf(slices, key, manager);
        const families = familiesOf(service);
        const triggeredAt = triggerTimes.next(service, chosen) ?? '';
        let isMissingNode = false;
        for (const addressType of families) {
          const planned = planGroups(service, chosen, nodes, addressType);
          isMissingNode ||= planned.isMissingNode;
          const shape = {
            namespace: service.metadata.namespace ?? '',
            serviceName: service.metadata.name,
            labels: labelsOf(service),
            triggeredAt,
            owner: controllerReference(service, serviceKind),
            addressType,
          };
          const own = existing.filter((slice) => slice.addressType === addressType);
          hint(service, own, planned.groups, addressType);
          await writeSlices({ client, expectations, key }, shape, own, planSlices(own, planned.groups));
        }
        // Of a family that the Service had once.
        for (const { metadata, addressType } of existing) {
          if (families.some((family) => family === addressType)) continue;
          await client.resource(endpointSliceKind).delete(metadataKey(metadata)).catch(unlessGone);
        }
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

const metadataKey = ({ namespace = '', name }: EndpointSlice['metadata']) => ({ namespace, name });

function unlessGone(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

/** Those of the Service; one of before families had a name is of that of its address. */
function familiesOf({ spec }: Service): readonly IpFamily[] {
  const named = (spec?.ipFamilies ?? []).filter((each): each is IpFamily => each === 'IPv4' || each === 'IPv6');
  return named.length > 0 ? named : [spec?.clusterIP?.includes(':') ? 'IPv6' : 'IPv4'];
}

/** Endpoints by the ports they share; pods on nodes that are not known have no zone yet and wait. */
function planGroups(
  service: Service,
  pods: readonly Pod[],
  nodes: Informer<object & { metadata: any }>,
  family: IpFamily,
) {
  const groups = new Map<string, { ports: EndpointGroup['ports']; endpoints: Map<string, Endpoint> }>();
  let isMissingNode = false;
  for (const pod of pods) {
    const addresses = addressesOf(pod, family);
    if (addresses.length === 0) continue;
    const node = pod.spec?.nodeName ? nodes.find(pod.spec.nodeName) : undefined;
    if (pod.spec?.nodeName && !node) {
      isMissingNode = true;
      continue;
    }
    const ports = portsOf(service, pod);
    const id = JSON.stringify(ports);
    const group = groups.get(id) ?? { ports: slicePortsInOrder(ports), endpoints: new Map() };
    groups.set(id, group);
    group.endpoints.set(
      pod.metadata.uid ?? pod.metadata.name,
      endpointOf(service, pod, addresses, node?.metadata.labels?.[zoneLabel]),
    );
  }
  return { groups: [...groups.values()], isMissingNode };
}

type Groups = ReturnType<typeof planGroups>['groups'];

const readiness = ({ status }: Node) => findCondition(status?.conditions, 'Ready')?.status;

/** Puts hints on what is ready; gives why not, if so. */
function hintGroups(
  slices: readonly EndpointSlice[],
  groups: Groups,
  shares: ReturnType<typeof zoneShares>,
): { refused: string } | undefined {
  const now = new Map<string, string | undefined>();
  for (const slice of slices)
    for (const endpoint of slice.endpoints ?? []) now.set(identityOf(endpoint), endpoint.hints?.forZones?.[0]?.name);
  const ready = groups.flatMap((group, index) =>
    [...group.endpoints].flatMap(([uid, endpoint]) =>
      endpoint.conditions?.ready
        ? [{ id: `${index} ${uid}`, zone: endpoint.zone, hint: now.get(identityOf(endpoint)) }]
        : [],
    ),
  );
  const plan = planHints(ready, shares);
  if ('refused' in plan) return plan;
  for (const [index, { endpoints }] of groups.entries())
    for (const [uid, endpoint] of endpoints) {
      const zone = plan.zones.get(`${index} ${uid}`);
      if (zone) endpoints.set(uid, { ...endpoint, hints: { forZones: [{ name: zone }] } });
    }
  return undefined;
}

function endpointOf(service: Service, pod: Pod, addresses: string[], zone: string | undefined): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const ready = (service.spec?.publishNotReadyAddresses ?? false) || (serving && !terminating);
  const hostname = hostnameOf(service, pod);
  const nodeName = pod.spec?.nodeName;
  const hints = ready ? hintsOf(service, nodeName, zone) : undefined;
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname ? { hostname } : {}),
    targetRef: targetOf(pod),
    ...(nodeName ? { nodeName } : {}),
    ...(zone ? { zone } : {}),
    ...(hints ? { hints } : {}),
  };
}

const nearness = new Set(['PreferClose', 'PreferSameZone', 'PreferSameNode']);

/** Where the Service would like its traffic to stay. */
function hintsOf(
  { spec, metadata }: Service,
  nodeName: string | undefined,
  zone: string | undefined,
): Endpoint['hints'] {
  if (asksForHints(metadata.annotations)) return undefined;
  const wish = spec?.trafficDistribution;
  if (!wish || !nearness.has(wish)) return undefined;
  const forNode = wish === 'PreferSameNode' ? nodeName : undefined;
  if (!zone && !forNode) return undefined;
  return { ...(zone ? { forZones: [{ name: zone }] } : {}), ...(forNode ? { forNodes: [{ name: forNode }] } : {}) };
}
