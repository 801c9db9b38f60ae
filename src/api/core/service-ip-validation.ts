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

export function validateClusterIps(spec: ServiceSpec, errors: FieldErrors): void {
  if (spec.type === 'ExternalName') return;
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = spec;
  const place = at.child('clusterIPs');
  if (clusterIP && clusterIPs.length === 0) errors.required(place);
  if (!clusterIP && clusterIPs.length) errors.required(at.child('clusterIP'));
  if (clusterIP && clusterIPs.length && clusterIPs[0] !== clusterIP) {
    errors.invalid(place, clusterIPs, 'first value must match `clusterIP`');
  }
  if (clusterIPs.length > 1 && clusterIPs.includes('None')) {
    const index = clusterIPs.indexOf('None');
    errors.invalid(place.index(index), 'None', `'None' must be the first and only value`);
  }
  clusterIPs.forEach((ip, index) => {
    if (ip !== 'None') validateIp(ip, place.index(index), errors);
  });
  if (clusterIPs.length > 2) errors.invalid(place, clusterIPs, 'may only hold up to 2 values');
  const families = clusterIPs.map(familyOf);
  if (clusterIPs.length === 2 && families[0] && families[0] === families[1]) {
    errors.invalid(place, clusterIPs, 'may specify no more than one IP for each IP family');
  }
  clusterIPs.forEach((ip, index) => {
    const family = ipFamilies[index];
    if (!families[index] || !family || families[index] === family) return;
    errors.invalid(place.index(index), ip, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``);
  });
}

export function validateFamilies(spec: ServiceSpec, errors: FieldErrors): void {
  if (spec.type === 'ExternalName') return;
  const place = at.child('ipFamilies');
  checkSupported(errors, at.child('ipFamilyPolicy'), spec.ipFamilyPolicy, [
    'PreferDualStack',
    'RequireDualStack',
    'SingleStack',
  ]);
  const families = spec.ipFamilies ?? [];
  const seen = new Set<string>();
  families.forEach((family, index) => {
    checkSupported(errors, place.index(index), family, ['IPv4', 'IPv6']);
    if (seen.has(family)) errors.duplicate(place.index(index), family);
    seen.add(family);
  });
  const isPlural = seen.size > 1 || (spec.clusterIPs?.length ?? 0) > 1;
  if (isPlural && spec.ipFamilyPolicy === 'SingleStack') {
    const what = seen.size > 1 ? 'IP families' : 'cluster IPs';
    errors.invalid(
      at.child('ipFamilyPolicy'),
      spec.ipFamilyPolicy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  }
}

/** A cluster IP stays while the Service has the same kind of address. */
export function validateServiceIpUpdate(next: Service, current: Service, errors: FieldErrors): void {
  const before = current.spec ?? {};
  const spec = next.spec ?? {};
  if (before.type === 'ExternalName' || spec.type === 'ExternalName') return;
  const place = at.child('clusterIPs');
  const old = before.clusterIPs?.[0] ?? '';
  if (old && old !== (spec.clusterIPs?.[0] ?? '')) {
    errors.invalid(place.index(0), spec.clusterIPs ?? null, 'may not change once set');
  }
  const oldFamily = before.ipFamilies?.[0];
  if (oldFamily && spec.ipFamilies?.length && spec.ipFamilies[0] !== oldFamily) {
    errors.invalid(at.child('ipFamilies').index(0), spec.ipFamilies, 'may not change once set');
  }
}
