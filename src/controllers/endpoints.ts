import type { Endpoints, Service } from '../../generated/core-v1.ts';
import { endpointsKind, podKind, serviceKind } from '../../generated/kinds.ts';
import { isEqual } from '../api/meta/equality.ts';
import { keyOf, splitKey } from '../api/meta/object.ts';
import { isAlreadyExists, isNotFound } from '../api/meta/status-error.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { isNamespaceEnding } from '../reconcile/namespace-ending.ts';
import { planSubsets } from './endpoints/plan-subsets.ts';
import { hasSelector, isHeadless, podsOf, watchServicePods } from './endpoints/service-pods.ts';
import { TriggerTimes, withTriggerTime } from './endpoints/trigger-times.ts';

const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const headlessLabel = 'service.kubernetes.io/headless';
const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';

/** Writes the addresses of each Service's pods into the Endpoints of its name, for clients older than EndpointSlices. */
export const endpointsController: ControllerDefinition = {
  name: 'endpoints',
  setup({ client, informers }, queue) {
    const services = informers.informer(serviceKind);
    const pods = informers.informer(podKind);
    const endpoints = informers.informer(endpointsKind);
    watchServicePods(services, pods, queue);
    endpoints.onChange({
      added: (object) => {
        // Left behind by a Service that was deleted while nobody looked.
        if (isOurs(object)) queue.add(keyOf(object));
      },
      deleted: (object) => queue.add(keyOf(object)),
    });
    const resource = client.resource(endpointsKind);
    const triggerTimes = new TriggerTimes();

    return {
      name: 'endpoints',
      async reconcile(key) {
        const service = services.find(key);
        const current = endpoints.find(key);
        if (!service) {
          triggerTimes.forget(key);
          if (current && isOurs(current)) await resource.delete(splitKey(key)).catch(ignoreNotFound);
          return;
        }
        if (!hasSelector(service) || service.spec?.type === 'ExternalName') return;
        const chosen = podsOf(service, pods);
        const triggeredAt = triggerTimes.next(service, chosen);
        const planned = planEndpoints(service, current, planSubsets(service, chosen));
        if (current && isSame(current, planned)) return;
        const annotations = withTriggerTime(planned.metadata.annotations, triggeredAt);
        const next = { ...planned, metadata: { ...planned.metadata, annotations } };
        try {
          if (!current) await resource.create(next);
          else await resource.update(next);
        } catch (error) {
          if (!isNamespaceEnding(error) && !isAlreadyExists(error)) throw error;
        }
      },
    };
  },
};

const isOurs = (object: Endpoints) => object.metadata.labels?.[managedByLabel] === 'endpoint-controller';

function ignoreNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error;
}

function planEndpoints(
  service: Service,
  current: Endpoints | undefined,
  { subsets, isTruncated }: ReturnType<typeof planSubsets>,
): Endpoints {
  const { namespace = '', name } = service.metadata;
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {};
  const { [overCapacityAnnotation]: __, ...annotations } = current?.metadata.annotations ?? {};
  return {
    ...current,
    metadata: {
      ...(current?.metadata ?? { namespace, name }),
      labels: {
        ...labels,
        ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
        [managedByLabel]: 'endpoint-controller',
      },
      annotations: { ...annotations, ...(isTruncated ? { [overCapacityAnnotation]: 'truncated' } : {}) },
    },
    subsets,
  };
}

function isSame(current: Endpoints, next: Endpoints): boolean {
  return (
    isEqual(current.subsets, next.subsets) &&
    isEqual(current.metadata.labels, next.metadata.labels) &&
    isEqual(current.metadata.annotations ?? {}, next.metadata.annotations)
  );
}
