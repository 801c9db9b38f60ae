import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '../../../generated/core-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { dns1123SubdomainProblems } from '../meta/names.ts';
import { quantityOf } from '../meta/quantity.ts';
import { validateNotNegative } from '../meta/resource-names.ts';
import { checkSupported } from '../meta/supported.ts';
import { unifiedDiff } from '../meta/unified-diff.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

/** Access modes of claims and volumes; a volume for one pod is for nothing else. */
export function validateAccessModes(modes: readonly string[], at: FieldPath, errors: FieldErrors): void {
  for (const mode of modes) checkSupported(errors, at, mode, accessModes);
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod')) {
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
  if (!apiGroup && kind && kind !== 'PersistentVolumeClaim') {
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
  // Upstream gives a path for the value, which prints as an empty object.
  if (dataSourceRef?.namespace) {
    if (dataSource) errors.invalid(at, {}, 'may not be specified when dataSourceRef.namespace is specified');
  } else if (dataSource || dataSourceRef) {
    const pick = (source: DataSource | undefined) => source && [source.apiGroup ?? '', source.kind, source.name];
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

/** The fields of a spec under the names and in the order in which upstream shows them. */
function shownSpec(spec: PersistentVolumeClaimSpec): unknown {
  const source = (value: any) =>
    value ? { APIGroup: value.apiGroup ?? null, Kind: value.kind, Name: value.name } : null;
  const ref = spec.dataSourceRef as { namespace?: string } | undefined;
  return {
    AccessModes: spec.accessModes ?? null,
    Selector: spec.selector ?? null,
    Resources: { Limits: spec.resources?.limits ?? null, Requests: spec.resources?.requests ?? null },
    VolumeName: spec.volumeName ?? '',
    StorageClassName: spec.storageClassName ?? null,
    VolumeMode: spec.volumeMode ?? null,
    DataSource: source(spec.dataSource),
    DataSourceRef: ref ? { ...(source(ref) as object), Namespace: ref.namespace ?? null } : null,
    VolumeAttributesClassName: spec.volumeAttributesClassName ?? null,
  };
}

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

export function validateClaimStatus({ status }: PersistentVolumeClaim, errors: FieldErrors): void {
  for (const [name, amount] of Object.entries(status?.capacity ?? {})) {
    validateNotNegative(amount, path('status', 'capacity').key(name), errors);
  }
  for (const [name, state] of Object.entries(status?.allocatedResourceStatuses ?? {})) {
    // The name is shown where the state is meant.
    if (!resizeStates.includes(state))
      errors.notSupported(path('status', 'allocatedResourceStatuses'), name, resizeStates);
  }
  for (const [name, amount] of Object.entries(status?.allocatedResources ?? {})) {
    const quantity = quantityOf(amount);
    if (quantity.sign >= 0) continue;
    errors.invalid(
      path('status', 'allocatedResources').key(name),
      Number(quantity.units),
      'must be a valid resource quantity',
    );
  }
}
