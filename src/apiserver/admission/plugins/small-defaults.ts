// Plugins of a few lines each: defaults that need another object, and finalizers.
import type { PersistentVolumeClaim, Pod } from '../../../../generated/core-v1.ts';
import {
  ingressClassKind,
  ingressKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podKind,
  runtimeClassKind,
  storageClassKind,
  volumeAttributesClassKind,
} from '../../../../generated/kinds.ts';
import type { Ingress } from '../../../../generated/networking-v1.ts';
import type { RuntimeClass } from '../../../../generated/node-v1.ts';
import { defaultStorageClassMarks, markedDefault } from '../../../api/meta/marked-default.ts';
import { pathSegmentProblems } from '../../../api/meta/names.ts';
import type { KindRef } from '../../../api/meta/object.ts';
import { unexplained } from '../../../api/meta/status-error.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

export const defaultStorageClass: AdmissionPlugin = {
  name: 'DefaultStorageClass',
  admit(request, { objects }) {
    if (!isAbout(request, persistentVolumeClaimKind) || request.operation !== 'CREATE') return;
    const claim = request.object as PersistentVolumeClaim;
    const isNamed = claim.spec?.storageClassName !== undefined;
    if (isNamed || claim.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] !== undefined) return;
    const found = markedDefault(objects.list(storageClassKind), ...defaultStorageClassMarks);
    if (found) claim.spec = { ...claim.spec, storageClassName: found.metadata.name! };
  },
};

const protections: readonly [KindRef<any>, string][] = [
  [persistentVolumeClaimKind, 'kubernetes.io/pvc-protection'],
  [persistentVolumeKind, 'kubernetes.io/pv-protection'],
  [volumeAttributesClassKind, 'kubernetes.io/vac-protection'],
];

export const storageObjectInUseProtection: AdmissionPlugin = {
  name: 'StorageObjectInUseProtection',
  admit(request) {
    if (request.operation !== 'CREATE' || !request.object) return;
    const finalizer = protections.find(([kind]) => isAbout(request, kind))?.[1];
    if (!finalizer) return;
    const { metadata } = request.object;
    if (!metadata.finalizers?.includes(finalizer)) metadata.finalizers = [...(metadata.finalizers ?? []), finalizer];
  },
};

export const defaultIngressClass: AdmissionPlugin = {
  name: 'DefaultIngressClass',
  admit(request, { objects }) {
    if (!isAbout(request, ingressKind) || request.operation !== 'CREATE') return;
    const ingress = request.object as Ingress;
    if (ingress.spec?.ingressClassName !== undefined) return;
    if (ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return;
    const found = markedDefault(objects.list(ingressClassKind), 'ingressclass.kubernetes.io/is-default-class');
    if (found) ingress.spec = { ...ingress.spec, ingressClassName: found.metadata.name! };
  },
};

function runtimeClassOf(request: AdmissionRequest, { objects }: AdmissionContext): RuntimeClass | undefined {
  const name = (request.object as Pod).spec?.runtimeClassName;
  if (!name) return undefined;
  const found = objects.find(runtimeClassKind, '', name);
  if (found) return found;
  const problems = pathSegmentProblems(name);
  if (problems.length) throw unexplained(`invalid resource name "${name}": [${problems.join(' ')}]`);
  throw refuse(request, `pod rejected: RuntimeClass "${name}" not found`);
}

const takesRuntimeClass = (request: AdmissionRequest): boolean =>
  isAbout(request, podKind) && request.operation === 'CREATE' && !request.subresource;

/** A pod of a runtime class gets its overhead and the node labels and tolerations that go with it. */
export const runtimeClass: AdmissionPlugin = {
  name: 'RuntimeClass',
  admit(request, context) {
    if (!takesRuntimeClass(request)) return;
    const { spec } = request.object as Pod;
    const found = runtimeClassOf(request, context);
    if (!found) return;
    const overhead = found.overhead?.podFixed;
    if (overhead) {
      if (spec.overhead && JSON.stringify(spec.overhead) !== JSON.stringify(overhead)) {
        throw refuse(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      }
      spec.overhead = { ...overhead };
    }
    for (const [key, value] of Object.entries(found.scheduling?.nodeSelector ?? {})) {
      if (spec.nodeSelector?.[key] !== undefined && spec.nodeSelector[key] !== value) {
        throw refuse(
          request,
          `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${spec.nodeSelector[key]}`,
        );
      }
      spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
    }
    for (const toleration of found.scheduling?.tolerations ?? []) {
      const isThere = spec.tolerations?.some((other) => JSON.stringify(other) === JSON.stringify(toleration));
      if (!isThere) spec.tolerations = [...(spec.tolerations ?? []), { ...toleration }];
    }
  },
  // Overhead is the runtime class's to give.
  validate(request, context) {
    if (!takesRuntimeClass(request)) return;
    const { spec } = request.object as Pod;
    if (runtimeClassOf(request, context)?.overhead?.podFixed || !spec.overhead) return;
    throw refuse(request, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
  },
};
