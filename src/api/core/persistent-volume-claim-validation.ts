import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../../generated/core-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems, qualifiedNameProblems } from '../meta/names.ts';
import { quantityOf } from '../meta/quantity.ts';
import { isNativeName, validateNotNegative } from '../meta/resource-names.ts';
import { checkSupported } from '../meta/supported.ts';
import { unifiedDiff } from '../meta/unified-diff.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

/** Access modes of claims and volumes; a volume for one pod is for nothing else. */
export function validateAccessModes(modes: readonly string[], at: FieldPath, errors: FieldErrors): void {
  for (const mode of modes) checkSupported(errors, at, mode, accessModes);
  if (
    modes.includes('ReadWriteOncePod') &&
    modes.some((mode) => mode !== 'ReadWriteOncePod' && accessModes.includes(mode))
  ) {
    errors.forbidden(at, 'may not use ReadWriteOncePod with other access modes');
  }
}

interface DataSource {
  readonly apiGroup?: string | null;
  readonly kind: string;
  readonly name: string;
}

function validateDataSource({ apiGroup, kind, name }: DataSource, at: FieldPath, errors: FieldErrors): void {
  required(name, at.child('name'), errors);
  required(kind, at.child('kind'), errors);
  if (!apiGroup && kind !== 'PersistentVolumeClaim') {
    errors.invalid(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
  }
  if (apiGroup) validateBy(dns1123SubdomainProblems, apiGroup, at.child('apiGroup'), errors);
}

function validateDataSources(spec: PersistentVolumeClaimSpec, at: FieldPath, errors: FieldErrors): void {
  const { dataSource, dataSourceRef } = spec as {
    dataSource?: DataSource;
    dataSourceRef?: DataSource & { namespace?: string };
  };
  if (dataSource) validateDataSource(dataSource, at.child('dataSource'), errors);
  if (dataSourceRef) validateDataSource(dataSourceRef, at.child('dataSourceRef'), errors);
  const namespace = dataSourceRef?.namespace;
  if (namespace) validateBy(dns1123LabelProblems, namespace, at.child('dataSourceRef', 'namespace'), errors);
  // Upstream gives a path for the value, which prints as an empty object.
  if (namespace) {
    if (dataSource) errors.invalid(at, {}, 'may not be specified when dataSourceRef.namespace is specified');
  } else if (dataSource && dataSourceRef) {
    const pick = (source: DataSource) => [source.apiGroup, source.kind, source.name];
    if (!isEqual(pick(dataSource), pick(dataSourceRef))) errors.invalid(at, {}, 'must match dataSourceRef');
  }
}

export function validatePersistentVolumeClaimSpec(
  spec: PersistentVolumeClaimSpec,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const {
    accessModes: modes = [],
    selector,
    resources,
    storageClassName,
    volumeMode,
    volumeAttributesClassName,
  } = spec;
  if (!modes.length) errors.required(at.child('accessModes'), 'at least 1 access mode is required');
  validateLabelSelector(selector, at.child('selector'), errors);
  validateAccessModes(modes, at.child('accessModes'), errors);
  const storage = resources?.requests?.['storage'];
  const storagePath = at.child('resources').key('storage');
  if (storage === undefined) errors.required(storagePath);
  else if (quantityOf(storage).sign <= 0) errors.invalid(storagePath, storage, 'must be greater than zero');
  if (storageClassName) validateBy(dns1123SubdomainProblems, storageClassName, at.child('storageClassName'), errors);
  checkSupported(errors, at.child('volumeMode'), volumeMode, ['Block', 'Filesystem']);
  validateDataSources(spec, at, errors);
  if (volumeAttributesClassName) {
    validateBy(dns1123SubdomainProblems, volumeAttributesClassName, at.child('volumeAttributesClassName'), errors);
  }
}

const immutableMessage =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

const shownSpec = (spec: PersistentVolumeClaimSpec): unknown =>
  goForm('io.k8s.api.core.v1.PersistentVolumeClaimSpec', spec);

/** A claim grows and is bound; everything else it asks for stays. */
export function validateClaimUpdate(
  next: PersistentVolumeClaim,
  current: PersistentVolumeClaim,
  errors: FieldErrors,
): void {
  const wanted = next.spec ?? {};
  const stored = current.spec ?? {};
  const compared: PersistentVolumeClaimSpec = { ...wanted };
  const before: PersistentVolumeClaimSpec = { ...stored };
  if (!stored.volumeName && wanted.volumeName) before.volumeName = wanted.volumeName;
  // A default class may come later than the claim.
  if (stored.storageClassName === undefined && wanted.storageClassName !== undefined) {
    before.storageClassName = wanted.storageClassName;
  }
  const isBound = current.status?.phase === 'Bound';
  if (isBound) {
    compared.resources = {
      ...compared.resources,
      ...(stored.resources?.requests ? { requests: stored.resources.requests } : {}),
    };
    if (wanted.volumeAttributesClassName !== undefined)
      before.volumeAttributesClassName = wanted.volumeAttributesClassName;
  }
  const nextText = shownSpec(compared);
  const currentText = shownSpec(before);
  if (!isEqual(nextText, currentText)) {
    errors.forbidden(path('spec'), `${immutableMessage}\n${unifiedDiff(currentText, nextText)}`);
  }
  const size = wanted.resources?.requests?.['storage'];
  const oldSize = stored.resources?.requests?.['storage'];
  if (quantityOf(size ?? '0').compare(quantityOf(oldSize ?? '0')) < 0) {
    const capacity = quantityOf(current.status?.capacity?.['storage']);
    const at = path('spec', 'resources', 'requests', 'storage');
    if (quantityOf(size ?? '0').compare(capacity) <= 0) {
      errors.forbidden(at, 'field can not be less than status.capacity');
    }
  }
  if (wanted.volumeMode !== stored.volumeMode) {
    errors.invalid(path('volumeMode'), wanted.volumeMode ?? null, 'field is immutable');
  }
}

const resizeStates = [
  'ControllerResizeInProgress',
  'ControllerResizeInfeasible',
  'NodeResizeInProgress',
  'NodeResizeInfeasible',
  'NodeResizePending',
];

/** Of what Kubernetes knows, only storage. */
function isResourceKey(name: string, at: FieldPath, errors: FieldErrors): boolean {
  if (!validateBy(qualifiedNameProblems, name, at, errors)) return false;
  if (!isNativeName(name) || name === 'storage') return true;
  errors.notSupported(at, name, ['storage']);
  return false;
}

function isAmount(amount: string, at: FieldPath, errors: FieldErrors): boolean {
  const { units } = quantityOf(amount);
  if (units < 0n) errors.invalid(at, Number(units), 'must be a valid resource quantity');
  return units >= 0n;
}

export function validateClaimStatus({ status }: PersistentVolumeClaim, errors: FieldErrors): void {
  for (const [name, amount] of Object.entries(status?.capacity ?? {})) {
    isAmount(amount, path('status', 'capacity').key(name), errors);
  }
  const statesAt = path('status', 'allocatedResourceStatuses');
  for (const [name, state] of Object.entries(status?.allocatedResourceStatuses ?? {})) {
    isResourceKey(name, statesAt, errors);
    // The name is shown where the state is meant.
    if (!resizeStates.includes(state)) errors.notSupported(statesAt, name, resizeStates);
  }
  const amountsAt = path('status', 'allocatedResources');
  for (const [name, amount] of Object.entries(status?.allocatedResources ?? {})) {
    if (!isResourceKey(name, amountsAt, errors)) continue;
    if (isAmount(amount, amountsAt.key(name), errors)) validateNotNegative(amount, amountsAt.key(name), errors);
  }
}
