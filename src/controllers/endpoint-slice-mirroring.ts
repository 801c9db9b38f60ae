import { isIP } from 'node:net';
import type { EndpointAddress, Endpoints } from '../../generated/core-v1.ts';
import type { Endpoint, EndpointPort } from '../../generated/discovery-v1.ts';
import { endpointSliceKind, endpointsKind, serviceKind } from '../../generated/kinds.ts';
import { keyOf } from '../api/meta/object.ts';
import { controllerReference } from '../api/meta/owner-references.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import { about } from '../reconcile/about.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { Expectations } from '../reconcile/expectations.ts';
import { indexByService, slicesOf, watchSlices } from './endpoint-slice.ts';
import { canonicalSubsets, slicePortsInOrder } from './endpoints/canonical-subsets.ts';
import { type EndpointGroup, identityOf, planSlices } from './endpoints/plan-slices.ts';
import { hasSelector } from './endpoints/service-pods.ts';
import { headlessLabel, managedByLabel, serviceNameLabel, writeSlices } from './endpoints/slice-writer.ts';

const manager = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
const lastChangeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const maxPerSubset = 1000;
const families = ['IPv4', 'IPv6'] as const;

/** Copies Endpoints that people write for Services without selector into slices, which is what proxies read. */
export const endpointSliceMirroringController: ControllerDefinition = {
  name: 'endpointslicemirroring',
  setup({ client, informers, clock, recorder: recorderOf }, queue) {
    const recorder = recorderOf('endpoint-slice-mirroring-controller');
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
        const { groups, invalid, skipped } = planGroups(source);
        for (const addressType of families) {
          const shape = {
            namespace: source.metadata.namespace ?? '',
            serviceName: source.metadata.name,
            labels: labelsOf(source),
            annotations: annotationsOf(source),
            owner: controllerReference(source, endpointsKind),
            addressType,
          };
          const own = existing.filter((slice) => slice.addressType === addressType);
          const mine = groups[addressType].filter((group) => group.endpoints.size > 0);
          const plan = mine.length > 0 ? planSlices(own, mine, maxPerSubset) : { create: [], update: [], delete: own };
          await writeSlices({ client, expectations, key }, shape, own, plan);
        }
        if (invalid > 0) {
          const message = `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`;
          recorder.event(about(endpointsKind, source), 'Warning', 'InvalidIPAddress', message);
        }
        if (skipped > 0) {
          const message =
            `A max of ${maxPerSubset} addresses can be mirrored to EndpointSlices per Endpoints subset. ` +
            `${skipped} addresses were skipped`;
          recorder.event(about(endpointsKind, source), 'Warning', 'TooManyAddressesToMirror', message);
        }
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

type Family = (typeof families)[number];

function planGroups(source: Endpoints): {
  groups: Record<Family, EndpointGroup[]>;
  invalid: number;
  skipped: number;
} {
  const groups: Record<Family, EndpointGroup[]> = { IPv4: [], IPv6: [] };
  let [invalid, skipped] = [0, 0];
  for (const subset of canonicalSubsets(source.subsets ?? [])) {
    const ports: EndpointPort[] = slicePortsInOrder(
      (subset.ports ?? []).map(({ name = '', ...rest }) => ({ name, ...rest })),
    );
    const found = { IPv4: new Map<string, Endpoint>(), IPv6: new Map<string, Endpoint>() };
    let added = 0;
    const add = (addresses: readonly EndpointAddress[] = [], ready: boolean) => {
      for (const [index, address] of addresses.entries()) {
        if (added >= maxPerSubset) {
          skipped += addresses.length - index;
          return;
        }
        const family = isIP(address.ip);
        if (family === 0) invalid++;
        else {
          added++;
          const endpoint = mirrored(address, ready);
          found[family === 6 ? 'IPv6' : 'IPv4'].set(identityOf(endpoint), endpoint);
        }
      }
    };
    add(subset.addresses, true);
    add(subset.notReadyAddresses, false);
    for (const family of families) groups[family].push({ ports, endpoints: found[family] });
  }
  return { groups, invalid, skipped };
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
