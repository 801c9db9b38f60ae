import type { Container, Pod } from '../../../generated/core-v1.ts';
import type { Reference } from '../reference-cache.ts';

/** ConfigMaps and Secrets that a pod's environment and pull secrets name. */
export function podReferences({ spec, metadata }: Pod): Reference[] {
  const namespace = metadata.namespace!;
  const containers = [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...((spec.ephemeralContainers ?? []) as Container[]),
  ];
  const result: Reference[] = (spec.imagePullSecrets ?? []).map(({ name = '' }) => ({
    kind: 'Secret',
    namespace,
    name,
  }));
  for (const { env = [], envFrom = [] } of containers) {
    for (const { configMapRef, secretRef } of envFrom) {
      if (configMapRef) result.push({ kind: 'ConfigMap', namespace, name: configMapRef.name ?? '' });
      if (secretRef) result.push({ kind: 'Secret', namespace, name: secretRef.name ?? '' });
    }
    for (const { valueFrom } of env) {
      if (valueFrom?.configMapKeyRef)
        result.push({ kind: 'ConfigMap', namespace, name: valueFrom.configMapKeyRef.name ?? '' });
      if (valueFrom?.secretKeyRef) result.push({ kind: 'Secret', namespace, name: valueFrom.secretKeyRef.name ?? '' });
    }
  }
  return result;
}
