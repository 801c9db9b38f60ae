// Cluster IPs of Services and their families: each family once, the addresses in the same order.
import type { Service, ServiceSpec } from '../../../generated/core-v1.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { parseIp, validateIp } from '../meta/ip-address.ts';
import { checkSupported } from '../meta/supported.ts';

const at = path('spec');

export const familyOf = (ip: string): 'IPv4' | 'IPv6' | undefined => {
  const family = parseIp(ip)?.family;
  return family && (family === 4 ? 'IPv4' : 'IPv6');
};

/** What addresses and families say of themselves; what this cluster has of them is told by whoever gives them out. */
export function validateClusterIps(spec: ServiceSpec, errors: FieldErrors, known: readonly string[]): void {
  if (spec.type === 'ExternalName') return;
  const { clusterIP = '' } = spec;
  const clusterIPs = spec.clusterIPs ?? [];
  const ipFamilies = spec.ipFamilies ?? [];
  const place = at.child('clusterIPs');
  if (clusterIP && clusterIPs.length === 0) errors.required(place);
  else if (clusterIP && clusterIPs[0] !== clusterIP) {
    errors.invalid(place, clusterIPs, 'first value must match `clusterIP`');
  } else if (!clusterIP && clusterIPs.length) {
    errors.invalid(place, clusterIPs, 'must be empty when `clusterIP` is not specified');
  }
  validateFamilies(spec, errors);
  let isReadable = true;
  clusterIPs.forEach((ip, index) => {
    if (index === 0 && ip === 'None') {
      if (clusterIPs.length === 1) return;
      errors.invalid(place, clusterIPs, `'None' must be the first and only value`);
      isReadable = false;
      return;
    }
    const problems = errors.list.length;
    validateIp(ip, place.index(index), errors, known);
    if (errors.list.length > problems) isReadable = false;
  });
  if (clusterIPs.length > 2) errors.invalid(place, clusterIPs, 'may only hold up to 2 values');
  if (!isReadable) return;
  const families = clusterIPs.map(familyOf);
  if (clusterIPs.length > 1 && new Set(families).size < 2) {
    errors.invalid(place, clusterIPs, 'may specify no more than one IP for each IP family');
  }
  clusterIPs.forEach((ip, index) => {
    const family = ipFamilies[index];
    if (!families[index] || !['IPv4', 'IPv6'].includes(family ?? '') || families[index] === family) return;
    errors.invalid(place.index(index), ip, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``);
  });
}

function validateFamilies(spec: ServiceSpec, errors: FieldErrors): void {
  const place = at.child('ipFamilies');
  const families = spec.ipFamilies ?? [];
  families.forEach((family, index) => {
    checkSupported(errors, place.index(index), family ?? '', ['IPv4', 'IPv6']);
    if (families.indexOf(family) !== index) errors.duplicate(place.index(index), family);
  });
  checkSupported(errors, at.child('ipFamilyPolicy'), spec.ipFamilyPolicy, [
    'PreferDualStack',
    'RequireDualStack',
    'SingleStack',
  ]);
}

/** One of each needs no policy; two do. */
export function validateFamilyPolicy(spec: ServiceSpec, errors: FieldErrors): void {
  if (spec.ipFamilyPolicy !== 'SingleStack') return;
  const counts = { 'cluster IPs': spec.clusterIPs, 'IP families': spec.ipFamilies };
  for (const [what, list] of Object.entries(counts)) {
    if (list?.length !== 2) continue;
    const problem = `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
    errors.invalid(at.child('ipFamilyPolicy'), spec.ipFamilyPolicy, problem);
  }
}

/** The first address and family stay while the Service has the same kind of address; the second may come and go. */
export function validateServiceIpUpdate(next: Service, current: Service, errors: FieldErrors): void {
  const [before, spec] = [current.spec ?? {}, next.spec ?? {}];
  if (before.type === 'ExternalName' || spec.type === 'ExternalName') return;
  const [wasHeadless, isHeadless] = [before, spec].map(({ clusterIPs }) => clusterIPs?.[0] === 'None');
  if (wasHeadless && isHeadless) return;
  validateKept(spec, before.clusterIPs, { field: 'clusterIPs', one: 'clusterIP' }, errors);
  if (wasHeadless === isHeadless) {
    validateKept(spec, before.ipFamilies, { field: 'ipFamilies', one: 'ipFamily' }, errors);
  }
}

function validateKept(
  spec: ServiceSpec,
  was: readonly string[] = [],
  { field, one }: { readonly field: 'clusterIPs' | 'ipFamilies'; readonly one: string },
  errors: FieldErrors,
): void {
  const now = spec[field] ?? [];
  const place = at.child(field);
  const mayNotChange = (index: number) =>
    errors.invalid(place.index(index), spec[field] ?? null, 'may not change once set');
  if (was.length === now.length) {
    was.forEach((each, index) => {
      if (each !== now[index]) mayNotChange(field === 'clusterIPs' ? index : 0);
    });
    return;
  }
  if (was.length > now.length && now.length === 0) {
    errors.invalid(place.index(0), spec[field] ?? null, `primary ${one} can not be unset`);
  }
  if (was.length > 0 && now.length > 0 && was[0] !== now[0]) mayNotChange(0);
  if (was.length > now.length && now.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
    const problem = `must be set to 'SingleStack' when releasing the secondary ${one}`;
    errors.invalid(at.child('ipFamilyPolicy'), spec.ipFamilyPolicy ?? null, problem);
  }
}
