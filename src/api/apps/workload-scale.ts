// The scale subresource of kinds with a LabelSelector.
import type { LabelSelector } from '../../../generated/meta-v1.ts';
import type { KindDefinition } from '../kind.ts';
import type { KubernetesObject } from '../meta/object.ts';
import { formatSelector, selectorOf } from '../meta/selectors.ts';

interface Scalable extends KubernetesObject {
  spec?: { replicas?: number; selector?: LabelSelector };
  status?: { replicas?: number };
}

export function labelSelectorScale<T extends Scalable>(): NonNullable<KindDefinition<T>['scale']> {
  return {
    get: ({ spec, status }) => ({
      replicas: spec?.replicas ?? 0,
      statusReplicas: status?.replicas ?? 0,
      selector: formatSelector(selectorOf(spec?.selector) ?? []),
    }),
    set: (object, replicas) => {
      object.spec!.replicas = replicas;
    },
  };
}
