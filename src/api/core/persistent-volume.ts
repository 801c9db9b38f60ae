import type { PersistentVolume } from '../../../generated/core-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { keepStatus, statusRules } from '../meta/strategy.ts';
import { timeText } from '../meta/time.ts';
import { accessModesCell } from './access-modes-cell.ts';
import { validatePersistentVolumeSpec, validatePersistentVolumeUpdate } from './persistent-volume-validation.ts';
import { nodeTermWarnings } from './pod-warnings.ts';
import { roundResources } from './resource-defaults.ts';
import { defaultVolume } from './volume-defaults.ts';

const status = statusRules<PersistentVolume>();

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'volume.beta.kubernetes.io/storage-class': 'deprecated since v1.8; use "storageClassName" attribute instead',
  'volume.beta.kubernetes.io/mount-options': 'deprecated since v1.31; use "mountOptions" attribute instead',
};
const deprecatedSources = {
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
} as const;

function volumeWarnings({ metadata, spec = {} }: PersistentVolume): string[] {
  const terms = spec.nodeAffinity?.required?.nodeSelectorTerms ?? [];
  const recycling =
    'The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.';
  return [
    ...Object.entries(deprecatedAnnotations).flatMap(([key, text]) =>
      metadata.annotations?.[key] === undefined ? [] : [`${path('metadata', 'annotations').key(key)}: ${text}`],
    ),
    ...(spec.persistentVolumeReclaimPolicy === 'Recycle' ? [`spec.persistentVolumeReclaimPolicy: ${recycling}`] : []),
    ...terms.flatMap((term, index) =>
      nodeTermWarnings(term, path('spec', 'nodeAffinity', 'required', 'nodeSelectorTerms').index(index)),
    ),
    ...Object.entries(deprecatedSources).flatMap(([name, text]) =>
      spec[name as keyof typeof deprecatedSources]
        ? [`${path('spec', name === 'storageos' ? 'storageOS' : name)}: ${text}`]
        : [],
    ),
  ];
}

export const persistentVolumeKind: KindDefinition<PersistentVolume> = {
  group: '',
  version: 'v1',
  kind: 'PersistentVolume',
  metadataLooks: ['object', 'object'],
  returnsDeletedObject: true,
  defaults(object) {
    object.spec ??= {};
    object.status = { ...object.status, phase: object.status?.phase ?? 'Pending' };
    object.spec.persistentVolumeReclaimPolicy ??= 'Retain';
    object.spec.volumeMode ??= 'Filesystem';
    defaultVolume(object.spec as never);
    roundResources(object.spec.capacity);
  },
  prepareForCreate(object, { nowMs }) {
    object.status = { phase: 'Pending', lastPhaseTransitionTime: timeText(nowMs) };
  },
  prepareForUpdate: keepStatus,
  validate: ({ metadata, spec }, errors) =>
    validatePersistentVolumeSpec(spec ?? {}, path('spec'), errors, { name: metadata.name! }),
  validateUpdate: validatePersistentVolumeUpdate,
  subresources: {
    status: {
      prepareForUpdate(next, current, context) {
        status.prepareForUpdate(next, current, context);
        const given = next.status?.lastPhaseTransitionTime;
        const stored = current.status?.lastPhaseTransitionTime;
        if (given && given !== stored) return;
        const hasMoved = next.status?.phase !== current.status?.phase;
        const time = hasMoved ? timeText(context.nowMs) : stored;
        if (time) next.status = { ...next.status, lastPhaseTransitionTime: time };
      },
    },
  },
  warnings: volumeWarnings,
  columns: [
    nameColumn,
    {
      name: 'Capacity',
      type: 'string',
      description:
        "capacity is the description of the persistent volume's resources and capacity. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#capacity",
      cell: ({ spec }) => spec?.capacity?.['storage'] ?? '0',
    },
    {
      name: 'Access Modes',
      type: 'string',
      description:
        'accessModes contains all ways the volume can be mounted. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#access-modes',
      cell: ({ spec }) => accessModesCell(spec?.accessModes),
    },
    {
      name: 'Reclaim Policy',
      type: 'string',
      description:
        'persistentVolumeReclaimPolicy defines what happens to a persistent volume when released from its claim. Valid options are Retain (default for manually created PersistentVolumes), Delete (default for dynamically provisioned PersistentVolumes), and Recycle (deprecated). Recycle must be supported by the volume plugin underlying this PersistentVolume. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#reclaiming',
      cell: ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? '',
    },
    {
      name: 'Status',
      type: 'string',
      description:
        'phase indicates if a volume is available, bound to a claim, or released by a claim. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#phase',
      cell: ({ metadata, status }) => (metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? '')),
    },
    {
      name: 'Claim',
      type: 'string',
      description:
        'claimRef is part of a bi-directional binding between PersistentVolume and PersistentVolumeClaim. Expected to be non-nil when bound. claim.VolumeName is the authoritative bind between PV and PVC. More info: https://kubernetes.io/docs/concepts/storage/persistent-volumes#binding',
      cell: ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}` : ''),
    },
    {
      name: 'StorageClass',
      type: 'string',
      description: 'StorageClass of the pv',
      cell: ({ metadata, spec }) =>
        metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? '',
    },
    {
      name: 'VolumeAttributesClass',
      type: 'string',
      description: 'VolumeAttributesClass of the pv',
      cell: ({ spec }) => spec?.volumeAttributesClassName ?? '<unset>',
    },
    {
      name: 'Reason',
      type: 'string',
      description:
        'reason is a brief CamelCase string that describes any failure and is meant for machine parsing and tidy display in the CLI.',
      cell: ({ status }) => status?.reason ?? '',
    },
    ageColumn,
    {
      name: 'VolumeMode',
      type: 'string',
      description:
        'volumeMode defines if a volume is intended to be used with a formatted filesystem or to remain in raw block state. Value of Filesystem is implied when not included in spec.',
      priority: 1,
      cell: ({ spec }) => spec?.volumeMode ?? '<unset>',
    },
  ],
};
