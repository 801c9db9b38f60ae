// What selectors of pods are matched against beside pods: labels of namespaces, Services. What was counted by them is
// counted again when they change, if anybody had asked for them.
import { namespaceKind, serviceKind } from '../../generated/kinds.ts';
import { isEqual } from '../api/meta/equality.ts';
import type { InformerFactory } from '../reconcile/informer.ts';
import type { Snapshot } from './plugin.ts';

export interface Forgetting {
  /** All that was counted. */
  all(): void;
  /** What was counted for pods of one namespace. */
  ofNamespace(namespace: string): void;
}

export function watchBeside(
  informers: InformerFactory,
  forget: Forgetting,
): Pick<Snapshot, 'namespaceLabels' | 'services'> {
  const namespaces = informers.informer(namespaceKind);
  const services = informers.informer(serviceKind);
  let isAskedForLabels = false;
  const askedForServices = new Set<string>();
  const labelsChanged = () => {
    if (isAskedForLabels) forget.all();
    isAskedForLabels = false;
  };
  const servicesChanged = ({ metadata: { namespace = '' } }: { metadata: { namespace?: string } }) => {
    if (askedForServices.delete(namespace)) forget.ofNamespace(namespace);
  };
  namespaces.onChange({
    added: labelsChanged,
    updated: ({ metadata }, previous) => {
      if (!isEqual(metadata.labels, previous.metadata.labels)) labelsChanged();
    },
    deleted: ({ metadata }) => askedForServices.delete(metadata.name),
  });
  services.onChange({
    added: servicesChanged,
    deleted: servicesChanged,
    updated: (service, previous) => {
      if (!isEqual(service.spec.selector, previous.spec.selector)) servicesChanged(service);
    },
  });
  return {
    namespaceLabels(namespace) {
      isAskedForLabels = true;
      return namespaces.find(namespace)?.metadata.labels;
    },
    services(namespace) {
      askedForServices.add(namespace);
      return services.list(namespace);
    },
  };
}
