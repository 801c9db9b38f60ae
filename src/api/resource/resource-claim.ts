import type { ResourceClaim, ResourceClaimSpec } from '../../../generated/resource-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { immutableMessage, keepStatus, statusRules } from '../meta/strategy.ts';
import { validateClaimStatus } from './claim-status-validation.ts';
import { defaultDevices, validateDevices } from './device-request-validation.ts';

function stateCell({ metadata, status }: ResourceClaim): string {
  const states: string[] = [];
  if (metadata.deletionTimestamp) states.push('deleted');
  if (status?.allocation) states.push('allocated');
  if (status?.reservedFor?.length) states.push('reserved');
  return states.join(',') || 'pending';
}

/** Lists that are there and empty are told from those that are not. */
function shownSpec(spec: ResourceClaimSpec): unknown {
  const form = goForm('io.k8s.api.resource.v1.ResourceClaimSpec', spec) as { Devices: Record<string, unknown> };
  if (spec.devices?.requests?.length === 0) form.Devices['Requests'] = [];
  return form;
}

export const resourceClaimKind: KindDefinition<ResourceClaim> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  metadataLooks: ['object', 'change'],
  returnsDeletedObject: true,
  defaults: ({ spec }) => defaultDevices(spec?.devices),
  prepareForCreate(object) {
    object.status = {};
  },
  prepareForUpdate: keepStatus,
  validateCreate: ({ spec }, errors) => validateDevices(spec?.devices, path('spec', 'devices'), errors),
  validateUpdate({ spec: next }, { spec: current }, errors) {
    if (isEqual(next, current)) return;
    errors.invalid(path('spec'), shownSpec(next ?? {}), immutableMessage);
  },
  subresources: { status: statusRules({ keepsMetadata: true, validateUpdate: validateClaimStatus }) },
  columns: [
    nameColumn,
    {
      name: 'State',
      type: 'string',
      description: 'A summary of the current state (allocated, pending, reserved, etc.).',
      cell: stateCell,
    },
    ageColumn,
  ],
};
