import type { VolumeAttachment } from '../../../generated/storage-v1.ts';
import { validatePersistentVolumeSpec } from '../core/persistent-volume-validation.ts';
import { roundResources } from '../core/resource-defaults.ts';
import { defaultVolume } from '../core/volume-defaults.ts';
import { validateCsiDriverName } from '../core/volume-source-validation.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { dns1123SubdomainProblems, rangeMessage } from '../meta/names.ts';
import { immutableMessage, keepStatus, statusRules } from '../meta/strategy.ts';
import { required, validateBy } from '../meta/value-validation.ts';

export const volumeAttachmentKind: KindDefinition<VolumeAttachment> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttachment',
  metadataLooks: ['object'],
  allowsUnconditionalUpdate: false,
  returnsDeletedObject: true,
  defaults({ spec }) {
    const inline = spec?.source?.inlineVolumeSpec;
    if (!inline) return;
    defaultVolume(inline as never, false);
    roundResources(inline.capacity);
  },
  prepareForCreate(object) {
    object.status = { attached: false };
  },
  prepareForUpdate: keepStatus,
  validate({ spec, status }, errors) {
    validateCsiDriverName(spec.attacher, path('spec', 'attacher'), errors);
    const { persistentVolumeName, inlineVolumeSpec } = spec.source ?? {};
    const message = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';
    const at = path('spec', 'source');
    if (persistentVolumeName === undefined && !inlineVolumeSpec) errors.required(at, message);
    else if (persistentVolumeName !== undefined && inlineVolumeSpec) errors.forbidden(at, message);
    else if (inlineVolumeSpec)
      validatePersistentVolumeSpec(inlineVolumeSpec, at.child('inlineVolumeSpec'), errors, { isInline: true });
    else
      required(
        persistentVolumeName,
        at.child('persistentVolumeName'),
        errors,
        'must specify non empty persistentVolumeName',
      );
    validateBy(dns1123SubdomainProblems, spec.nodeName, path('spec', 'nodeName'), errors);
    for (const field of ['attachError', 'detachError'] as const) {
      const code = status?.[field]?.errorCode;
      if (code !== undefined && code < 0) {
        errors.invalid(path('status', field, 'errorCode'), code, rangeMessage(0, 2 ** 31 - 1));
      }
    }
    // Named or beside another source, the name is looked at in the end.
    if (persistentVolumeName !== undefined) {
      validateBy(dns1123SubdomainProblems, persistentVolumeName, at.child('persistentVolumeName'), errors);
    }
  },
  validateUpdate({ spec: next }, { spec: current }, errors) {
    if (isEqual(next, current)) return;
    errors.invalid(path('spec'), goForm('io.k8s.api.storage.v1.VolumeAttachmentSpec', next), immutableMessage);
  },
  subresources: { status: { ...statusRules({ keepsMetadata: true }), metadataLooks: ['object'] } },
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
