import type { EndpointAddress, Endpoints } from '../../generated/core-v1.ts';
import type { Endpoint, EndpointPort } from '../../generated/discovery-v1.ts';
import { endpointSliceKind, endpointsKind, serviceKind } from '../../generated/kinds.ts';
import { keyOf } from '../api/meta/object.ts';
import { controllerReference } from '../api/meta/owner-references.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { Expectations } from '../reconcile/expectations.ts';
import { indexByService, slicesOf, watchSlices } from './endpoint-slice.ts';
import { type EndpointGroup, identityOf, planSlices } from './endpoints/plan-slices.ts';
import { hasSelector } from './endpoints/service-pods.ts';
import { headlessLabel, managedByLabel, serviceNameLabel, writeSlices } from './endpoints/slice-writer.ts';

const manager = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const lastChangeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const maxPerSubset = 1000;

/** Copies Endpoints that people write for Services without selector into slices, which is what proxies read. */
export const endpointSliceMirroringController: ControllerDefinition = {
  name: 'endpointslicemirroring',
  setup({ client, informers, clock }, queue) {
    const services = informers.informer(serviceKind);
    const endpoints = informers.informer(endpointsKind);
    const slices = informers.informer(endpointSliceKind);
    const expectations = new Expectations(clock, queue);
    indexByService(slices);
    watchSlices(slices, expectations, queue, manager);
    endpoints.onChange({
      added: (object) => queue.add(keyOf(object)),
      updated: (object) => queue.add(keyOf(object)),
      deleted: (object) => queue.add(keyOf(object)),
    });
    services.onChange({
      added: (service) => queue.add(keyOf(service)),
      updated: (next, previous) => {
        if (hasSelector(next) !== hasSelector(previous)) queue.add(keyOf(next));
      },
      deleted: (service) => queue.add(keyOf(service)),
    });

    return {
      name: 'endpointslicemirroring',
      async reconcile(key) {
        const service = services.find(key);
        const source = endpoints.find(key);
        const existing = slicesOf(slices, key, manager);
        if (!service || hasSelector(service) || !source || !isMirrored(source)) {
          await Promise.all(existing.map((slice) => remove(slice.metadata)));
          return;
        }
        if (!expectations.areMet(key)) return;
        const shape = {
          namespace: source.metadata.namespace ?? '',
          serviceName: source.metadata.name,
          labels: labelsOf(source),
          annotations: annotationsOf(source),
          owner: controllerReference(source, endpointsKind),
          addressType: 'IPv4' as const,
        };
        const groups = planGroups(source).filter((group) => group.endpoints.size > 0);
        const plan = groups.length > 0 ? planSlices(existing, groups) : { create: [], update: [], delete: existing };
        await writeSlices({ client, expectations, key }, shape, existing, plan);
      },
    };

    async function remove({ namespace = '', name }: { namespace?: string; name: string }): Promise<void> {
      try {
        await client.resource(endpointSliceKind).delete({ namespace, name });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  },
};

function isMirrored({ metadata }: Endpoints): boolean {
  return metadata.labels?.[skipLabel] !== 'true' && !metadata.annotations?.[leaderAnnotation];
}

function labelsOf({ metadata }: Endpoints): Record<string, string> {
  const { [headlessLabel]: _, ...labels } = metadata.labels ?? {};
  return { ...labels, [managedByLabel]: manager, [serviceNameLabel]: metadata.name };
}

function annotationsOf({ metadata }: Endpoints): Record<string, string> {
  const { [lastChangeAnnotation]: _, [lastApplied]: __, ...annotations } = metadata.annotations ?? {};
  return annotations;
}

function planGroups(source: Endpoints): EndpointGroup[] {
  const groups = new Map<string, { ports: EndpointPort[]; endpoints: Map<string, Endpoint> }>();
  for (const subset of source.subsets ?? []) {
    const ports = (subset.ports ?? []).map(({ name = '', ...rest }) => ({ name, ...rest }));
    const id = JSON.stringify(ports);
    const group = groups.get(id) ?? { ports, endpoints: new Map<string, Endpoint>() };
    groups.set(id, group);
    const add = (addresses: readonly EndpointAddress[] | undefined, ready: boolean) => {
      for (const address of addresses ?? []) {
        if (group.endpoints.size >= maxPerSubset) return;
        const endpoint = mirrored(address, ready);
        group.endpoints.set(identityOf(endpoint), endpoint);
      }
    };
    add(subset.addresses, true);
    add(subset.notReadyAddresses, false);
  }
  return [...groups.values()];
}

function mirrored({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(targetRef ? { targetRef } : {}),
    ...(nodeName ? { nodeName } : {}),
  };
}
