import { posix } from 'node:path';
import type {
  CSIPersistentVolumeSource,
  PersistentVolume,
  PersistentVolumeSpec,
  SecretReference,
} from '../../../generated/core-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goFormOfPart } from '../meta/go-form.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from '../meta/names.ts';
import { validateNoBacksteps } from '../meta/path-validation.ts';
import { quantityOf } from '../meta/quantity.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { checkSupported } from '../meta/supported.ts';
import { unifiedDiff } from '../meta/unified-diff.ts';
import { required, validateBy } from '../meta/value-validation.ts';
import { validateNodeSelector } from './affinity-validation.ts';
import { validateAccessModes } from './persistent-volume-claim-validation.ts';
import {
  iscsiOfVolume,
  isTargetTooLong,
  shownSources,
  storageSourceRules,
  targetTooLong,
  validateCsiDriverName,
} from './volume-source-validation.ts';

type SourceRule = (source: any, at: FieldPath, errors: FieldErrors) => void;

function validateSecretReference(secret: SecretReference, at: FieldPath, errors: FieldErrors): void {
  if (required(secret.name, at.child('name'), errors)) {
    validateBy(dns1123SubdomainProblems, secret.name!, at.child('name'), errors);
  }
  if (required(secret.namespace, at.child('namespace'), errors)) {
    validateBy(dns1123LabelProblems, secret.namespace!, at.child('namespace'), errors);
  }
}

function validateCsi(source: CSIPersistentVolumeSource, at: FieldPath, errors: FieldErrors): void {
  validateCsiDriverName(source.driver, at.child('driver'), errors);
  required(source.volumeHandle, at.child('volumeHandle'), errors);
  for (const secret of ['controllerPublish', 'controllerExpand', 'nodePublish', 'nodeExpand'] as const) {
    const field = `${secret}SecretRef` as const;
    if (source[field]) validateSecretReference(source[field], at.child(field), errors);
  }
}

/** Where a volume of the whole cluster needs more than a pod's: the rule of the pod's, and then a namespace. */
const withNamespacedSecret =
  (field: 'cinder' | 'storageos'): SourceRule =>
  (source, at, errors) => {
    storageSourceRules[field]!(source, at, errors);
    if (source.secretRef) required(source.secretRef.namespace, at.child('secretRef', 'namespace'), errors);
  };

const ownRules: Record<string, SourceRule> = {
  csi: validateCsi,
  cinder: withNamespacedSecret('cinder'),
  storageos: withNamespacedSecret('storageos'),
  iscsi(source, at, errors) {
    iscsiOfVolume(source, at, errors);
    if (source.secretRef) required(source.secretRef.name, at.child('secretRef', 'name'), errors);
  },
  glusterfs(source, at, errors) {
    storageSourceRules.glusterfs!(source, at, errors);
    const namespace = source.endpointsNamespace;
    if (namespace === undefined) return;
    const place = at.child('endpointsNamespace');
    if (namespace) validateBy(dns1123LabelProblems, namespace, place, errors);
    else errors.invalid(place, namespace, 'if the endpointnamespace is set, it must be a valid namespace name');
  },
  azureFile(source, at, errors) {
    storageSourceRules.azureFile!(source, at, errors);
    if (source.secretNamespace === '') errors.required(at.child('secretNamespace'));
  },
  local(source, at, errors) {
    if (required(source.path, at.child('path'), errors)) validateNoBacksteps(source.path, at.child('path'), errors);
  },
};

/** Every kind of storage, in the order in which upstream looks. */
const sources = [
  'hostPath',
  'gcePersistentDisk',
  'awsElasticBlockStore',
  'glusterfs',
  'flocker',
  'nfs',
  'rbd',
  'quobyte',
  'cephfs',
  'iscsi',
  'cinder',
  'fc',
  'flexVolume',
  'azureFile',
  'vsphereVolume',
  'photonPersistentDisk',
  'portworxVolume',
  'azureDisk',
  'scaleIO',
  'local',
  'storageos',
  'csi',
] as const satisfies readonly (keyof PersistentVolumeSpec)[];

function validateSources(spec: PersistentVolumeSpec, at: FieldPath, errors: FieldErrors): void {
  let isFirst = true;
  for (const name of sources) {
    const source = spec[name];
    if (source === undefined) continue;
    const { inside = name, surplus = name } = shownSources[name] ?? {};
    // Upstream has forgotten to refuse this one behind another.
    if (isFirst || name === 'flexVolume') {
      (ownRules[name] ?? (storageSourceRules as Record<string, SourceRule>)[name])?.(source, at.child(inside), errors);
      if (name === 'local' && !spec.nodeAffinity) {
        errors.required(at.child('nodeAffinity'), 'Local volume requires node affinity');
      }
    } else errors.forbidden(at.child(surplus), 'may not specify more than 1 volume type');
    isFirst = false;
  }
  if (isFirst) errors.required(at, 'must specify a volume type');
}

function validateCapacity(given: Record<string, string> | undefined, at: FieldPath, errors: FieldErrors): void {
  const capacity = given ?? {};
  const names = Object.keys(capacity);
  if (!names.length) errors.required(at);
  if (!capacity['storage'] || names.length > 1) errors.notSupported(at, given ?? null, ['storage']);
  for (const name of names) {
    const amount = quantityOf(capacity[name]);
    if (amount.units < 0n) errors.invalid(at.key(name), Number(amount.units), 'must be a valid resource quantity');
    if (amount.sign <= 0) errors.invalid(at.key(name), String(amount), 'must be greater than zero');
  }
}

function validateNodeAffinity(
  affinity: NonNullable<PersistentVolumeSpec['nodeAffinity']>,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!affinity.required) errors.required(at.child('required'), 'must specify required node constraints');
  else validateNodeSelector(affinity.required, at.child('required'), errors);
}

export function validatePersistentVolumeSpec(
  spec: PersistentVolumeSpec,
  at: FieldPath,
  errors: FieldErrors,
  { isInline = false, name = '' }: { readonly isInline?: boolean; readonly name?: string } = {},
): void {
  const inlineMessage = 'may not be specified in the context of inline volumes';
  if (isInline) {
    if (spec.claimRef) errors.forbidden(at.child('claimRef'), inlineMessage);
    if (Object.keys(spec.capacity ?? {}).length) errors.forbidden(at.child('capacity'), inlineMessage);
    if (!spec.csi) errors.required(at.child('csi'), 'has to be specified in the context of inline volumes');
  }
  if (!spec.accessModes?.length) errors.required(at.child('accessModes'));
  validateAccessModes(spec.accessModes ?? [], at.child('accessModes'), errors);
  if (!isInline) validateCapacity(spec.capacity, at.child('capacity'), errors);
  const policy = spec.persistentVolumeReclaimPolicy;
  const policyPath = at.child('persistentVolumeReclaimPolicy');
  if (!isInline) {
    if (policy) checkSupported(errors, policyPath, policy, ['Delete', 'Recycle', 'Retain']);
  } else if (policy && policy !== 'Retain')
    errors.forbidden(policyPath, 'may only be Retain in the context of inline volumes');
  if (spec.nodeAffinity && isInline) errors.forbidden(at.child('nodeAffinity'), inlineMessage);
  else if (spec.nodeAffinity) validateNodeAffinity(spec.nodeAffinity, at.child('nodeAffinity'), errors);
  validateSources(spec, at, errors);
  if (spec.iscsi && isTargetTooLong(spec.iscsi, name)) {
    errors.invalid(at.child('iscsi', 'targetportal'), spec.iscsi.targetPortal, targetTooLong);
  }
  if (spec.hostPath && policy === 'Recycle' && posix.normalize(spec.hostPath.path) === '/') {
    errors.forbidden(policyPath, "may not be 'recycle' for a hostPath mount of '/'");
  }
  if (spec.storageClassName) {
    if (isInline) errors.forbidden(at.child('storageClassName'), inlineMessage);
    else validateBy(dns1123SubdomainProblems, spec.storageClassName, at.child('storageClassName'), errors);
  }
  if (!isInline) checkSupported(errors, at.child('volumeMode'), spec.volumeMode, ['Block', 'Filesystem']);
  else if (spec.volumeMode !== undefined && spec.volumeMode !== 'Filesystem') {
    const problem = 'may not specify volumeMode other than Filesystem in the context of inline volumes';
    errors.forbidden(at.child('volumeMode'), problem);
  }
  const attributes = spec.volumeAttributesClassName;
  if (attributes === undefined) return;
  const attributesPath = at.child('volumeAttributesClassName');
  if (!attributes) errors.required(attributesPath, 'an empty string is disallowed');
  else validateBy(dns1123SubdomainProblems, attributes, attributesPath, errors);
  if (!spec.csi) errors.required(at.child('csi'), 'has to be specified when using volumeAttributesClassName');
}

/** A secret for growing may come later. */
function withoutNewSecret(wanted: PersistentVolumeSpec, stored: PersistentVolumeSpec): PersistentVolumeSpec {
  if (!stored.csi || stored.csi.controllerExpandSecretRef || !wanted.csi?.controllerExpandSecretRef) return wanted;
  const { controllerExpandSecretRef: _secret, ...csi } = wanted.csi;
  return { ...wanted, csi };
}

export function validatePersistentVolumeUpdate(
  next: PersistentVolume,
  current: PersistentVolume,
  errors: FieldErrors,
): void {
  // Upstream validates the new volume twice, and its errors come twice.
  const wanted = next.spec ?? {};
  const stored = current.spec ?? {};
  validatePersistentVolumeSpec(wanted, path('spec'), errors, { name: next.metadata.name! });
  const settled = withoutNewSecret(wanted, stored);
  if (sources.some((source) => !isEqual(settled[source], stored[source]))) {
    const shown = (spec: PersistentVolumeSpec) =>
      goFormOfPart('io.k8s.api.core.v1.PersistentVolumeSpec', spec, sources);
    const difference = unifiedDiff(shown(stored), shown(settled));
    errors.forbidden(
      path('spec', 'persistentvolumesource'),
      `spec.persistentvolumesource is immutable after creation\n${difference}`,
    );
  }
  checkImmutable(errors, path('volumeMode'), wanted.volumeMode, stored.volumeMode);
  if (stored.nodeAffinity) checkImmutable(errors, path('nodeAffinity'), wanted.nodeAffinity, stored.nodeAffinity);
  if (stored.volumeAttributesClassName !== undefined && wanted.volumeAttributesClassName === undefined) {
    errors.forbidden(path('spec', 'volumeAttributesClassName'), 'update from non-nil value to nil is forbidden');
  }
}
