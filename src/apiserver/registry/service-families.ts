// What a Service leaves open about addresses and can be told without allocating: families, and what it holds already.
import { isDeepStrictEqual } from 'node:util';
import type { Service, ServicePort, ServiceSpec } from '../../../generated/core-v1.ts';
import { familyOf, validateClusterIps, validateFamilyPolicy } from '../../api/core/service-ip-validation.ts';
import { type FieldErrors, path } from '../../api/meta/field-errors.ts';

export const isHeadless = ({ spec }: Service) => spec?.clusterIP === 'None' || spec?.clusterIPs?.[0] === 'None';

export function needsClusterIp(service: Service): boolean {
  return service.spec?.type !== 'ExternalName' && !isHeadless(service);
}

/** Ports that name a number get it, whether or not others are given one. */
export const mayHaveNodePorts = ({ spec }: Service): boolean =>
  spec?.type === 'NodePort' || spec?.type === 'LoadBalancer';

export const givesOutNodePorts = ({ spec }: Service): boolean =>
  spec?.type !== 'LoadBalancer' || spec.allocateLoadBalancerNodePorts !== false;

export function needsHealthCheckPort({ spec }: Service): boolean {
  return spec?.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

/** Addresses a Service holds. */
export function clusterIpsOf({ spec }: Service): string[] {
  if (spec?.clusterIPs?.length) return spec.clusterIPs.filter((ip) => ip !== 'None');
  return spec?.clusterIP && spec.clusterIP !== 'None' ? [spec.clusterIP] : [];
}

/** Ports of the nodes that it holds, the one for health checks with them. */
export function nodePortsOf({ spec }: Service): number[] {
  const ports = (spec?.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : []));
  return spec?.healthCheckNodePort ? [...ports, spec.healthCheckNodePort] : ports;
}

export type IpFamily = 'IPv4' | 'IPv6';

const other = (family: IpFamily): IpFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4');
const at = path('spec');

/**
 * Settles families and policy as far as they are left open.
 *
 * @param cluster families that the cluster has addresses of, the usual one first
 */
export function chooseFamilies(
  service: Service,
  before: Service | undefined,
  cluster: readonly IpFamily[],
  errors: FieldErrors,
): void {
  const { spec } = service;
  if (!spec || spec.type === 'ExternalName') return;
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  // Who preferred two families and got one is not given a second by the way.
  if (before && isPreferenceKept(service, before)) return;
  const needsNoAddress = isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0;
  spec.ipFamilyPolicy ??= before?.spec?.ipFamilyPolicy || (needsNoAddress ? 'RequireDualStack' : 'SingleStack');
  validateClusterIps(spec, errors, before?.spec?.clusterIPs ?? []);
  if (!errors.isEmpty) return;
  if (before?.spec) reduceFamilies(spec, before.spec, errors);
  validateFamilyPolicy(spec, errors);
  familiesFromAddresses(service, cluster, errors);
  if (!errors.isEmpty) return;
  // Whoever writes the endpoints of a Service without selector and address may use any family.
  if (!needsNoAddress) checkFamilies(spec, cluster, errors);
  if (!errors.isEmpty) return;
  const families = (spec.ipFamilies ?? []) as IpFamily[];
  if (families.length === 0) families.push(cluster[0]!);
  const wantsBoth = spec.ipFamilyPolicy !== 'SingleStack' && (needsNoAddress || cluster.length === 2);
  spec.ipFamilies = wantsBoth && families.length === 1 ? [families[0]!, other(families[0]!)] : families;
}

function isPreferenceKept({ spec: next }: Service, { spec: before }: Service): boolean {
  const prefers = (policy: string | undefined) => policy === 'PreferDualStack';
  return (
    next?.type === before?.type &&
    next?.type !== 'ExternalName' &&
    prefers(next?.ipFamilyPolicy) &&
    (before?.ipFamilyPolicy === undefined || prefers(before.ipFamilyPolicy)) &&
    isSame(next?.clusterIPs, before?.clusterIPs) &&
    isSame(next?.ipFamilies, before?.ipFamilies)
  );
}

const isSame = (one: readonly string[] | undefined, two: readonly string[] | undefined) =>
  isDeepStrictEqual(one ?? [], two ?? []);

/** Under SingleStack the second address and family go by themselves; under other policies nothing may go. */
function reduceFamilies(next: ServiceSpec, before: ServiceSpec, errors: FieldErrors): void {
  if (next.ipFamilyPolicy === 'SingleStack') {
    if (isSame(next.clusterIPs, before.clusterIPs)) next.clusterIPs = (next.clusterIPs ?? []).slice(0, 1);
    if (isSame(next.ipFamilies, before.ipFamilies)) next.ipFamilies = (next.ipFamilies ?? []).slice(0, 1);
    return;
  }
  const place = at.child('ipFamilyPolicy');
  const isReduced = (now: readonly string[] = [], was: readonly string[] = []) =>
    now.length > 0 && now.length < was.length;
  if (isReduced(next.clusterIPs, before.clusterIPs)) {
    errors.invalid(place, next.ipFamilyPolicy, "must be 'SingleStack' to release the secondary cluster IP");
  }
  if (isReduced(next.ipFamilies, before.ipFamilies)) {
    errors.invalid(place, next.ipFamilyPolicy, "must be 'SingleStack' to release the secondary IP family");
  }
}

/** Addresses that were asked for say which families are. */
function familiesFromAddresses(service: Service, cluster: readonly IpFamily[], errors: FieldErrors): void {
  const spec = service.spec!;
  const families = [...(spec.ipFamilies ?? [])];
  clusterIpsOf(service).forEach((ip, index) => {
    if (index < families.length) return;
    const family = familyOf(ip)!;
    if (cluster.includes(family)) families.push(family);
    else {
      errors.invalid(
        at.child('clusterIPs').index(index),
        spec.clusterIPs,
        `${family} is not configured on this cluster`,
      );
    }
  });
  if (families.length > 0) spec.ipFamilies = families;
}

function checkFamilies(spec: ServiceSpec, cluster: readonly IpFamily[], errors: FieldErrors): void {
  if (spec.ipFamilyPolicy === 'RequireDualStack' && cluster.length < 2) {
    errors.invalid(
      at.child('ipFamilyPolicy'),
      'RequireDualStack',
      'this cluster is not configured for dual-stack services',
    );
  }
  (spec.ipFamilies ?? []).forEach((family, index) => {
    if (!cluster.includes(family as IpFamily))
      errors.invalid(at.child('ipFamilies').index(index), family, 'not configured on this cluster');
  });
}

/** An update that leaves out what was given out before keeps it. */
export function carryAddresses(next: Service, current: Service): void {
  if (!next.spec || !current.spec) return;
  const { clusterIP, clusterIPs = [] } = next.spec;
  const isChanged = clusterIP && current.spec.clusterIP && clusterIP !== current.spec.clusterIP;
  // A client that knows the old name only: what it wrote there is meant for both.
  if (isChanged && isDeepStrictEqual(clusterIPs, current.spec.clusterIPs)) {
    next.spec.clusterIPs = clusterIP === 'None' ? ['None'] : [clusterIP, ...clusterIPs.slice(1)];
  }
  if (current.spec.type !== 'ExternalName' && next.spec.type !== 'ExternalName') {
    next.spec.clusterIP ||= current.spec.clusterIP!;
    if (!next.spec.clusterIPs?.length && next.spec.clusterIP === current.spec.clusterIP && current.spec.clusterIPs) {
      next.spec.clusterIPs = [...current.spec.clusterIPs];
    }
  }
  if (mayHaveNodePorts(current) && mayHaveNodePorts(next)) carryPorts(next.spec.ports ?? [], current.spec.ports ?? []);
  if (needsHealthCheckPort(current) && needsHealthCheckPort(next) && !next.spec.healthCheckNodePort) {
    if (current.spec.healthCheckNodePort) next.spec.healthCheckNodePort = current.spec.healthCheckNodePort;
  }
}

function carryPorts(next: ServicePort[], current: readonly ServicePort[]): void {
  const taken = new Set(next.map(({ nodePort }) => nodePort).filter(Boolean));
  const before = new Map(current.map((port) => [port.name ?? '', port.nodePort]));
  for (const port of next) {
    const known = before.get(port.name ?? '');
    if (port.nodePort || !known || taken.has(known)) continue;
    port.nodePort = known;
    taken.add(known);
  }
}
