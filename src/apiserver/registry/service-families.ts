// What a Service leaves open about addresses and can be told without allocating: families, and what it holds already.
// This cluster has one family, IPv4.
import { isDeepStrictEqual } from 'node:util';
import type { Service, ServicePort } from '../../../generated/core-v1.ts';
import { familyOf, validateClusterIps, validateFamilyPolicy } from '../../api/core/service-ip-validation.ts';
import { type FieldErrors, path } from '../../api/meta/field-errors.ts';

export const isHeadless = ({ spec }: Service) => spec?.clusterIP === 'None' || spec?.clusterIPs?.[0] === 'None';

export function needsClusterIp(service: Service): boolean {
  return service.spec?.type !== 'ExternalName' && !isHeadless(service);
}

export function needsNodePorts({ spec }: Service): boolean {
  if (spec?.type === 'NodePort') return true;
  return spec?.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false;
}

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

export function chooseFamilies(service: Service, errors: FieldErrors): void {
  const { spec } = service;
  if (!spec) return;
  if (spec.type === 'ExternalName') return;
  if (spec.clusterIP && !spec.clusterIPs?.length) spec.clusterIPs = [spec.clusterIP];
  validateClusterIps(spec, errors);
  if (!errors.isEmpty) return;
  const families = spec.ipFamilies ?? [];
  validateFamilyPolicy(
    { ...spec, ipFamilyPolicy: spec.ipFamilyPolicy || (isHeadless(service) ? 'RequireDualStack' : 'SingleStack') },
    errors,
  );
  clusterIpsOf(service).forEach((ip, index) => {
    if (index < families.length || familyOf(ip) !== 'IPv6') return;
    errors.invalid(path('spec.clusterIPs').index(index), spec.clusterIPs, 'IPv6 is not configured on this cluster');
  });
  if (!errors.isEmpty) return;
  const needsNoAddress = isHeadless(service) && Object.keys(spec.selector ?? {}).length === 0;
  if (needsNoAddress) {
    // Whoever writes its endpoints may use any family.
    spec.ipFamilyPolicy ??= families.length === 1 ? 'SingleStack' : 'RequireDualStack';
    if (families.length === 0) spec.ipFamilies = spec.ipFamilyPolicy === 'SingleStack' ? ['IPv4'] : ['IPv4', 'IPv6'];
    else if (families.length === 1 && spec.ipFamilyPolicy !== 'SingleStack') {
      spec.ipFamilies = [families[0]!, families[0] === 'IPv4' ? 'IPv6' : 'IPv4'];
    }
    return;
  }
  if (spec.ipFamilyPolicy === 'RequireDualStack') {
    errors.invalid(
      path('spec.ipFamilyPolicy'),
      'RequireDualStack',
      'this cluster is not configured for dual-stack services',
    );
  }
  families.forEach((family, index) => {
    if (family !== 'IPv4')
      errors.invalid(path('spec.ipFamilies').index(index), family, 'not configured on this cluster');
  });
  if (!errors.isEmpty) return;
  spec.ipFamilyPolicy ||= 'SingleStack';
  if (families.length === 0) spec.ipFamilies = ['IPv4'];
}

const portKey = ({ protocol, port }: ServicePort) => `${protocol}/${port}`;

/** An update that leaves out what was given out before keeps it. */
export function carryAddresses(next: Service, current: Service): void {
  if (!next.spec || !current.spec) return;
  const { clusterIP, clusterIPs = [] } = next.spec;
  const isChanged = clusterIP && current.spec.clusterIP && clusterIP !== current.spec.clusterIP;
  // A client that knows the old name only: what it wrote there is meant for both.
  if (isChanged && isDeepStrictEqual(clusterIPs, current.spec.clusterIPs)) {
    next.spec.clusterIPs = [clusterIP, ...clusterIPs.slice(1)];
  }
  if (needsClusterIp(current) && needsClusterIp(next)) {
    next.spec.clusterIP ||= current.spec.clusterIP!;
    if (!next.spec.clusterIPs?.length && next.spec.clusterIP === current.spec.clusterIP && current.spec.clusterIPs) {
      next.spec.clusterIPs = [...current.spec.clusterIPs];
    }
  }
  if (needsNodePorts(current) && needsNodePorts(next)) carryPorts(next.spec.ports ?? [], current.spec.ports ?? []);
  if (needsHealthCheckPort(current) && needsHealthCheckPort(next) && !next.spec.healthCheckNodePort) {
    if (current.spec.healthCheckNodePort) next.spec.healthCheckNodePort = current.spec.healthCheckNodePort;
  }
}

function carryPorts(next: ServicePort[], current: readonly ServicePort[]): void {
  const taken = new Set(next.map(({ nodePort }) => nodePort).filter(Boolean));
  const before = new Map(current.map((port) => [portKey(port), port.nodePort]));
  for (const port of next) {
    const known = before.get(portKey(port));
    if (port.nodePort || !known || taken.has(known)) continue;
    port.nodePort = known;
    taken.add(known);
  }
}
