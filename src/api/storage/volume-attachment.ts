import type { VolumeAttachment } from '../../../generated/storage-v1.ts';
import { validatePersistentVolumeSpec } from '../core/persistent-volume-validation.ts';
import { validateCsiDriverName } from '../core/volume-source-validation.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { dns1123SubdomainProblems } from '../meta/names.ts';
import { immutableMessage, keepStatus, statusRules } from '../meta/strategy.ts';
import { validateBy } from '../meta/value-validation.ts';

export const volumeAttachmentKind: KindDefinition<VolumeAttachment> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  allowsUnconditionalUpdate: false,
  returnsDeletedObject: true,
  prepareForCreate(object) {
    object.status = { attached: false };
  },
  prepareForUpdate: keepStatus,
  validate({ spec }, errors) {
    validateCsiDriverName(spec.attacher, path('spec', 'attacher'), errors);
    const { persistentVolumeName, inlineVolumeSpec } = spec.source ?? {};
    const message = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
    const at = path('spec', 'source');
    if (persistentVolumeName === undefined && !inlineVolumeSpec) errors.required(at, message);
    else if (persistentVolumeName !== undefined && inlineVolumeSpec) errors.forbidden(at, message);
    else if (inlineVolumeSpec)
      validatePersistentVolumeSpec(inlineVolumeSpec, at.child('inlineVolumeSpec'), errors, true);
    else if (persistentVolumeName) {
      validateBy(dns1123SubdomainProblems, persistentVolumeName, at.child('persistentVolumeName'), errors);
    } else errors.required(at.child('persistentVolumeName'));
    validateBy(dns1123SubdomainProblems, spec.nodeName, path('spec', 'nodeName'), errors);
  },
  validateUpdate({ spec: next }, { spec: current }, errors) {
    if (isEqual(next, current)) return;
    const { persistentVolumeName, inlineVolumeSpec } = next.source;
    const source = { PersistentVolumeName: persistentVolumeName ?? null, InlineVolumeSpec: inlineVolumeSpec ?? null };
    const shown = { Attacher: next.attacher, Source: source, NodeName: next.nodeName };
    errors.invalid(path('spec'), shown, immutableMessage);
  },
  subresources: { status: statusRules() },
  columns: [
    nameColumn,
    {
      name: 'Attacher',
      type: 'string',
      format: 'name',
      description:
        'attacher indicates the name of the volume driver that MUST handle this request. This is the name returned by GetPluginName().',
      cell: ({ spec }) => spec.attacher,
    },
    {
      name: 'PV',
      type: 'string',
      description: 'persistentVolumeName represents the name of the persistent volume to attach.',
      cell: ({ spec }) => spec.source?.persistentVolumeName ?? '',
    },
    {
      name: 'Node',
      type: 'string',
      description: 'nodeName represents the node that the volume should be attached to.',
      cell: ({ spec }) => spec.nodeName,
    },
    {
      name: 'Attached',
      type: 'boolean',
      description:
        'attached indicates the volume is successfully attached. This field must only be set by the entity completing the attach operation, i.e. the external-attacher.',
      cell: ({ status }) => status?.attached ?? false,
    },
    ageColumn,
  ],
};
