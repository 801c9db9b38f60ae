import type { Lease } from '../../../generated/coordination-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';

/** Coordinated leader election is not on in clusters that are not asked for it. */
function dropElection({ spec }: Lease): void {
  delete spec?.strategy;
  delete spec?.preferredHolder;
}

export const leaseKind: KindDefinition<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  takesAnyFinalizer: true,
  allowsCreateOnUpdate: true,
  allowsUnconditionalUpdate: false,
  prepareForCreate: dropElection,
  prepareForUpdate: dropElection,
  validate({ spec }, errors) {
    const { leaseDurationSeconds, leaseTransitions } = spec ?? {};
    if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
      errors.invalid(path('spec', 'leaseDurationSeconds'), leaseDurationSeconds, 'must be greater than 0');
    }
    if (leaseTransitions !== undefined && leaseTransitions < 0) {
      errors.invalid(path('spec', 'leaseTransitions'), leaseTransitions, 'must be greater than or equal to 0');
    }
  },
  columns: [
    nameColumn,
    {
      name: 'Holder',
      type: 'string',
      description:
        'holderIdentity contains the identity of the holder of a current lease. If Coordinated Leader Election is used, the holder identity must be equal to the elected LeaseCandidate.metadata.name field.',
      cell: ({ spec }) => spec?.holderIdentity ?? '',
    },
    ageColumn,
  ],
};
