// ControllerRevision: a past state of a DaemonSet or StatefulSet.

import type { ControllerRevision } from '../../../generated/apps-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { controllerOf } from '../meta/owner-references.ts';
import { oldWorkloadVersions } from './old-versions.ts';

export const controllerRevisionKind: KindDefinition<ControllerRevision> = {
  group: 'apps',
  version: 'v1',
  kind: 'ControllerRevision',
  metadataLooks: ['change', 'object'],
  otherVersions: oldWorkloadVersions('ControllerRevision', { 'apps/v1beta1': () => {}, 'apps/v1beta2': () => {} }),
  validate(revision, errors) {
    nonNegative(revision.revision, path('revision'), errors);
  },
  validateCreate(revision, errors) {
    const data: unknown = revision.data;
    if (data === undefined || data === null) errors.required(path('data'), 'data is mandatory');
    else if (typeof data !== 'object' || Array.isArray(data))
      errors.required(path('data'), 'data must be a valid JSON object');
  },
  validateUpdate(next, current, errors) {
    if (!isEqual(next.data, current.data)) errors.invalid(path('data'), next.data, 'field is immutable');
  },
  columns: [
    nameColumn,
    {
      name: 'Controller',
      type: 'string',
      description: 'Controller of the object',
      cell: controllerText,
    },
    {
      name: 'Revision',
      type: 'string',
      description: 'Revision indicates the revision of the state represented by Data.',
      cell: ({ revision }) => revision ?? 0,
    },
    ageColumn,
  ],
};

/** `kind.group/name` of the manager, as upstream prints it. */
function controllerText(revision: ControllerRevision): string {
  const owner = controllerOf(revision);
  if (!owner) return '<none>';
  const kind = owner.kind.toLowerCase();
  const group = owner.apiVersion.includes('/') ? owner.apiVersion.split('/')[0] : '';
  return `${group ? `${kind}.${group}` : kind}/${owner.name}`;
}
