import type { ServiceCIDR } from '../../../generated/networking-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { parseCidr, strictCidrProblems } from '../meta/ip-address.ts';
import { immutableMessage, keepStatus, statusRules } from '../meta/strategy.ts';
import { validateBy } from '../meta/value-validation.ts';

function validateCidrs(cidrs: readonly string[], errors: FieldErrors): void {
  const at = path('spec', 'cidrs');
  if (!cidrs.length) {
    errors.required(at, 'at least one CIDR required');
    return;
  }
  if (cidrs.length > 2) {
    errors.invalid(at, { CIDRs: cidrs }, 'may only hold up to 2 values');
    return;
  }
  const families = cidrs.map((cidr) => parseCidr(cidr)?.family);
  if (cidrs.length === 2 && families[0] && families[0] === families[1]) {
    const problem = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64';
    errors.invalid(at, cidrs, problem);
  }
  cidrs.forEach((cidr, index) => {
    validateBy(strictCidrProblems, cidr, at.index(index), errors);
  });
}

export const serviceCidrKind: KindDefinition<ServiceCIDR> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  prepareForCreate(object) {
    object.status = {};
  },
  prepareForUpdate: keepStatus,
  validateCreate: ({ spec }, errors) => validateCidrs(spec?.cidrs ?? [], errors),
  validateUpdate(next, current, errors) {
    const at = path('spec', 'cidrs');
    const wanted = next.spec?.cidrs ?? [];
    const stored = current.spec?.cidrs ?? [];
    // A second family may be added; what is there stays.
    const isAdded = stored.length === 1 && wanted.length === 2;
    if (stored.length !== wanted.length && !isAdded) {
      errors.invalid(at, next.spec?.cidrs ?? null, immutableMessage);
      return;
    }
    stored.forEach((cidr, index) => {
      if (wanted[index] !== cidr) errors.invalid(at.index(index), wanted[index], immutableMessage);
    });
    if (isAdded) validateCidrs(wanted, errors);
  },
  subresources: { status: statusRules({ keepsMetadata: true }) },
  columns: [
    nameColumn,
    {
      name: 'CIDRs',
      type: 'string',
      description:
        'CIDRs defines the IP blocks in CIDR notation (e.g. "192.168.0.0/24" or "2001:db8::/64") from which to assign service cluster IPs. Max of two CIDRs is allowed, one of each IP family. This field is immutable.',
      cell: ({ spec }) => (spec?.cidrs ?? []).join(','),
    },
    ageColumn,
  ],
};
