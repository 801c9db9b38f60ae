import type { ResourceClaim } from '../../../generated/resource-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { isEqual } from '../meta/equality.ts';
import { path } from '../meta/field-errors.ts';
import { immutableMessage, keepStatus, statusRules } from '../meta/strategy.ts';
import { defaultDevices, validateDevices } from './device-request-validation.ts';

function stateCell({ metadata, status }: ResourceClaim): string {
  const states: string[] = [];
  if (metadata.deletionTimestamp) states.push('deleted');
  if (status?.allocation) states.push('allocated');
  if (status?.reservedFor?.length) states.push('reserved');
  return states.join(',') || 'pending';
}

export const resourceClaimKind: KindDefinition<ResourceClaim> = {
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  defaults: ({ spec }) => defaultDevices(spec?.devices),
  prepareForCreate(object) {
    object.status = {};
  },
  prepareForUpdate: keepStatus,
  validate: ({ spec }, errors) => validateDevices(spec?.devices, path('spec', 'devices'), errors),
  validateUpdate({ spec: next }, { spec: current }, errors) {
    if (isEqual(next, current)) return;
    const { requests = null, constraints = null, config = null } = next?.devices ?? {};
    errors.invalid(
      path('spec'),
      { Devices: { Requests: requests, Constraints: constraints, Config: config } },
      immutableMessage,
    );
  },
  subresources: { status: statusRules({ keepsMetadata: true }) },
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
