import { posix } from 'node:path';
import type { CSIPersistentVolumeSource, PersistentVolume, PersistentVolumeSpec } from '../../../generated/core-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { dns1123SubdomainProblems } from '../meta/names.ts';
import { validateNoBacksteps } from '../meta/path-validation.ts';
import { quantityOf } from '../meta/quantity.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { checkSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';
import { validateAccessModes } from './persistent-volume-claim-validation.ts';
import { storageSourceRules, validateCsiDriverName } from './volume-source-validation.ts';

type SourceRule = (source: any, at: FieldPath, errors: FieldErrors) => void;

function validateCsi(source: CSIPersistentVolumeSource, at: FieldPath, errors: FieldErrors): void {
  validateCsiDriverName(source.driver, at.child('driver'), errors);
  required(source.volumeHandle, at.child('volumeHandle'), errors);
  const secrets = ['controllerPublish', 'controllerExpand', 'nodePublish', 'nodeExpand', 'nodeStage'] as const;
  for (const secret of secrets) {
    const field = `${secret}SecretRef` as const;
    const reference = source[field];
    if (!reference) continue;
    required(reference.name, at.child(field, 'name'), errors);
    required(reference.namespace, at.child(field, 'namespace'), errors);
  }
}

const ownRules: Record<string, SourceRule> = {
  csi: validateCsi,
  local(source, at, errors) {
    if (required(source.path, at.child('path'), errors)) validateNoBacksteps(source.path, at.child('path'), errors);
  },
};

const shared: Record<string, SourceRule> = Object.fromEntries(
  Object.values(storageSourceRules).flatMap((rules) => rules.map(([field, rule]) => [field, rule])),
);

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
  const present = sources.filter((source) => spec[source] !== undefined);
  present.forEach((source, index) => {
    if (index > 0) {
      errors.forbidden(at.child(source), 'may not specify more than 1 volume type');
      return;
    }
    (ownRules[source] ?? shared[source])?.(spec[source], at.child(source), errors);
    if (source === 'local' && !spec.nodeAffinity) {
      errors.required(at.child('nodeAffinity'), 'Local volume requires node affinity');
    }
  });
  if (!present.length) errors.required(at, 'must specify a volume type');
}

function validateCapacity(given: Record<string, string> | undefined, at: FieldPath, errors: FieldErrors): void {
  const capacity = given ?? {};
  const names = Object.keys(capacity);
  if (!names.length) errors.required(at);
  if (!capacity['storage'] || names.length > 1) errors.notSupported(at, given ?? null, ['storage']);
  for (const name of names) {
    const amount = quantityOf(capacity[name]);
    if (amount.sign < 0) errors.invalid(at.key(name), Number(amount.units), 'must be a valid resource quantity');
    if (amount.sign <= 0) errors.invalid(at.key(name), String(amount), 'must be greater than zero');
  }
}

function validateNodeAffinity(
  affinity: NonNullable<PersistentVolumeSpec['nodeAffinity']>,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!affinity.required) errors.required(at.child('required'), 'must specify required node constraints');
  else if (!affinity.required.nodeSelectorTerms?.length) {
    errors.required(at.child('required', 'nodeSelectorTerms'), 'must have at least one node selector term');
  }
}

export function validatePersistentVolumeSpec(
  spec: PersistentVolumeSpec,
  at: FieldPath,
  errors: FieldErrors,
  isInline = false,
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
  if (!isInline) checkSupported(errors, policyPath, policy, ['Delete', 'Recycle', 'Retain']);
  else if (policy && policy !== 'Retain')
    errors.forbidden(policyPath, 'may only be Retain in the context of inline volumes');
  if (spec.nodeAffinity) validateNodeAffinity(spec.nodeAffinity, at.child('nodeAffinity'), errors);
  validateSources(spec, at, errors);
  if (spec.hostPath && policy === 'Recycle' && posix.normalize(spec.hostPath.path) === '/') {
    errors.forbidden(policyPath, "may not be 'recycle' for a hostPath mount of '/'");
  }
  if (spec.storageClassName) {
    if (isInline) errors.forbidden(at.child('storageClassName'), inlineMessage);
    else validateBy(dns1123SubdomainProblems, spec.storageClassName, at.child('storageClassName'), errors);
  }
  checkSupported(errors, at.child('volumeMode'), spec.volumeMode, ['Block', 'Filesystem']);
  const attributes = spec.volumeAttributesClassName;
  if (attributes === undefined) return;
  const attributesPath = at.child('volumeAttributesClassName');
  if (!attributes) errors.required(attributesPath, 'an empty string is disallowed');
  else validateBy(dns1123SubdomainProblems, attributes, attributesPath, errors);
  if (!spec.csi) errors.required(at.child('csi'), 'has to be specified when using volumeAttributesClassName');
}

export function validatePersistentVolumeUpdate(
  next: PersistentVolume,
  current: PersistentVolume,
  errors: FieldErrors,
): void {
  // Upstream validates the new volume twice, and its errors come twice.
  const wanted = next.spec ?? {};
  const stored = current.spec ?? {};
  validatePersistentVolumeSpec(wanted, path('spec'), errors);
  if (sources.some((source) => !isEqual(wanted[source], stored[source]))) {
    errors.forbidden(path('spec', 'persistentvolumesource'), 'spec.persistentvolumesource is immutable after creation');
  }
  checkImmutable(errors, path('volumeMode'), wanted.volumeMode, stored.volumeMode);
  if (stored.nodeAffinity) checkImmutable(errors, path('nodeAffinity'), wanted.nodeAffinity, stored.nodeAffinity);
  if (stored.volumeAttributesClassName !== undefined && wanted.volumeAttributesClassName === undefined) {
    errors.forbidden(path('spec', 'volumeAttributesClassName'), 'update from non-nil value to nil is forbidden');
  }
}
