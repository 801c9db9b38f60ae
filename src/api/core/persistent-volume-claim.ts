import type { PersistentVolumeClaim } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { keepStatus, statusRules } from '../meta/strategy.ts';
import { accessModesCell } from './access-modes-cell.ts';
import {
  validateClaimStatus,
  validateClaimUpdate,
  validatePersistentVolumeClaimSpec,
} from './persistent-volume-claim-validation.ts';
import { claimWarnings } from './pod-warnings.ts';
import { defaultResources, roundResources } from './resource-defaults.ts';

interface Source {
  apiGroup?: string | null;
  kind: string;
  name: string;
  namespace?: string;
}

function isCloneOrSnapshot({ apiGroup, kind }: Source): boolean {
  return (
    (!apiGroup && kind === 'PersistentVolumeClaim') ||
    (apiGroup === 'snapshot.storage.k8s.io' && kind === 'VolumeSnapshot')
  );
}

/**
 * `dataSource` is the older and narrower twin of `dataSourceRef`: what it cannot say is dropped, what both can say is copied.
 * `mayCross`: the stored claim has a source already, which stays in use.
 */
function alignDataSources({ spec }: PersistentVolumeClaim, mayCross = false): void {
  if (!spec) return;
  const sources = spec as { dataSource?: Source; dataSourceRef?: Source };
  // Sources in other namespaces are behind a feature gate that is off.
  if (sources.dataSourceRef?.namespace && !mayCross) delete sources.dataSourceRef;
  if (sources.dataSource && !sources.dataSourceRef && !isCloneOrSnapshot(sources.dataSource)) delete sources.dataSource;
  if (sources.dataSource && !sources.dataSourceRef) sources.dataSourceRef = { ...sources.dataSource };
  else if (sources.dataSourceRef && !sources.dataSource && !sources.dataSourceRef.namespace) {
    sources.dataSource = { ...sources.dataSourceRef };
  }
}

function capacityCell({ spec, status }: PersistentVolumeClaim): string {
  return spec?.volumeName ? (status?.capacity?.['storage'] ?? '0') : '';
}

export const persistentVolumeClaimKind: KindDefinition<PersistentVolumeClaim> = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolumeClaim',
  metadataLooks: ['change', 'object'],
  returnsDeletedObject: true,
  defaults(object) {
    object.spec ??= { resources: {} } as never;
    object.spec!.volumeMode ??= 'Filesystem';
    object.status = { ...object.status, phase: object.status?.phase ?? 'Pending' };
    defaultResources(object.spec!.resources);
    roundResources(object.status.capacity);
    roundResources(object.status.allocatedResources);
  },
  prepareForCreate(object) {
    object.status = { phase: 'Pending' };
    alignDataSources(object);
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    alignDataSources(next, current.spec?.dataSourceRef !== undefined);
  },
  validate: ({ spec }, errors) => validatePersistentVolumeClaimSpec(spec ?? {}, path('spec'), errors),
  validateUpdate: validateClaimUpdate,
  subresources: {
    status: statusRules({ validateUpdate: (next, _current, errors) => validateClaimStatus(next, errors) }),
  },
  warnings: ({ spec }) => claimWarnings(spec, path('spec')),
  columns: [
    nameColumn,
    {
      name: 'Status',
      type: 'string',
      description: 'phase represents the current phase of PersistentVolumeClaim.',
      cell: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    },
    {
      name: 'Volume',
      type: 'string',
      description: 'volumeName is the binding reference to the PersistentVolume backing this claim.',
      cell: ({ spec }) => spec?.volumeName ?? '',
    },
    {
      name: 'Capacity',
      type: 'string',
      description: 'capacity represents the actual resources of the underlying volume.',
      cell: capacityCell,
    },
    {
      name: 'Access Modes',
      type: 'string',
      description:
        'accessModes contains the actual access modes the volume backing the PVC has. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#access-modes-1',
      cell: ({ spec, status }) => (spec?.volumeName ? accessModesCell(status?.accessModes) : ''),
    },
    {
      name: 'StorageClass',
      type: 'string',
      description: 'StorageClass of the pvc',
      cell: ({ metadata, spec }) =>
        metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '',
    },
    {
      name: 'VolumeAttributesClass',
      type: 'string',
      description: 'VolumeAttributesClass of the pvc',
      cell: ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>',
    },
    ageColumn,
    {
      name: 'VolumeMode',
      type: 'string',
      description:
        'volumeMode defines what type of volume is required by the claim. Value of Filesystem is implied when not included in claim spec.',
      priority: 1,
      cell: ({ spec }) => spec?.volumeMode ?? '<unset>',
    },
  ],
};
