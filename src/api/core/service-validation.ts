// Service.
import type { LoadBalancerStatus, Service, ServicePort, ServiceSpec } from '../../../generated/core-v1.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { parseIp, validateCidr, validateEndpointIp, validateIp } from '../meta/ip-address.ts';
import { validateLabels } from '../meta/labels.ts';
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  portNumberProblems,
  qualifiedNameProblems,
} from '../meta/names.ts';
import { checkSupported, requireSupported } from '../meta/supported.ts';
import { validateBy } from '../meta/value-validation.ts';
import { validatePort } from './probe-validation.ts';
import { validateClusterIps } from './service-ip-validation.ts';
import { hasExternalReach } from './service-reach.ts';

const at = path('spec');
const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const maxAffinitySeconds = 86_400;

/** @param current what is changed; addresses and ranges that it has may stay as they are spelled */
export function validateService(service: Service, errors: FieldErrors, current?: Service): void {
  const spec = service.spec ?? {};
  const isHeadless = spec.clusterIPs?.[0] === 'None' || spec.clusterIP === 'None';
  const ports = spec.ports ?? [];
  if (!ports.length && !isHeadless && spec.type !== 'ExternalName') errors.required(at.child('ports'));
  validateByType(spec, isHeadless, errors);
  validatePorts(ports, errors);
  validateLabels(spec.selector, at.child('selector'), errors);
  validateAffinity(spec, errors);
  validateClusterIps(spec, errors, current?.spec?.clusterIPs ?? []);
  spec.externalIPs?.forEach((ip, index) => {
    validateExternalIp(ip, at.child('externalIPs').index(index), errors, current?.spec?.externalIPs);
  });
  requireSupported(errors, at.child('type'), spec.type, types);
  validateNodePorts(spec, errors);
  validateRepeatedPorts(ports, errors);
  validateSourceRanges(service, errors, current);
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== 'LoadBalancer') {
    errors.forbidden(at.child('allocateLoadBalancerNodePorts'), onlyForLoadBalancers);
  }
  if (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts === undefined) {
    errors.required(at.child('allocateLoadBalancerNodePorts'));
  }
  validateBalancerClass(spec, errors);
  validatePolicies(spec, errors);
}

const onlyForLoadBalancers = "may only be used when `type` is 'LoadBalancer'";

export function validateBalancerClass(spec: ServiceSpec, errors: FieldErrors): void {
  if (spec.loadBalancerClass === undefined) return;
  const place = at.child('loadBalancerClass');
  if (spec.type !== 'LoadBalancer') errors.forbidden(place, onlyForLoadBalancers);
  else validateBy(qualifiedNameProblems, spec.loadBalancerClass, place, errors);
}

function validateByType(spec: ServiceSpec, isHeadless: boolean, errors: FieldErrors): void {
  switch (spec.type) {
    case 'LoadBalancer':
    case 'NodePort':
      if (isHeadless) {
        const what = spec.type === 'NodePort' ? 'NodePort' : 'LoadBalancer';
        errors.invalid(at.child('clusterIPs').index(0), 'None', `may not be set to 'None' for ${what} services`);
      }
      break;
    case 'ExternalName': {
      if (spec.clusterIPs?.length || spec.clusterIP) {
        errors.forbidden(at.child('clusterIPs'), 'may not be set for ExternalName services');
      }
      if (spec.ipFamilies?.length) errors.forbidden(at.child('ipFamilies'), 'may not be set for ExternalName services');
      if (spec.ipFamilyPolicy) errors.forbidden(at.child('ipFamilyPolicy'), 'may not be set for ExternalName services');
      const name = spec.externalName?.replace(/\.$/, '') ?? '';
      if (!name) errors.required(at.child('externalName'));
      else validateBy(dns1123SubdomainProblems, name, at.child('externalName'), errors);
      break;
    }
    default:
  }
}

function validatePorts(ports: readonly ServicePort[], errors: FieldErrors): void {
  const names = new Set<string>();
  ports.forEach((port, index) => {
    const place = at.child('ports').index(index);
    if (!port.name) {
      if (ports.length > 1) errors.required(place.child('name'));
    } else {
      validateBy(dns1123LabelProblems, port.name, place.child('name'), errors);
      if (names.has(port.name)) errors.duplicate(place.child('name'), port.name);
      names.add(port.name);
    }
    for (const problem of portNumberProblems(port.port)) errors.invalid(place.child('port'), port.port, problem);
    requireSupported(errors, place.child('protocol'), port.protocol, ['SCTP', 'TCP', 'UDP']);
    validatePort(port.targetPort ?? 0, place.child('targetPort'), errors);
    if (port.appProtocol !== undefined) {
      validateBy(qualifiedNameProblems, port.appProtocol, place.child('appProtocol'), errors);
    }
  });
}

function validateRepeatedPorts(ports: readonly ServicePort[], errors: FieldErrors): void {
  const seen = new Set<string>();
  ports.forEach(({ protocol, port }, index) => {
    const key = `${protocol}/${port}`;
    if (seen.has(key)) {
      const form = { Name: '', Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
      errors.duplicate(at.child('ports').index(index), form);
    }
    seen.add(key);
  });
}

function validateAffinity(spec: ServiceSpec, errors: FieldErrors): void {
  requireSupported(errors, at.child('sessionAffinity'), spec.sessionAffinity, ['ClientIP', 'None']);
  const place = at.child('sessionAffinityConfig');
  if (spec.sessionAffinity === 'ClientIP') {
    const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
    const own = place.child('clientIP', 'timeoutSeconds');
    if (!spec.sessionAffinityConfig?.clientIP) {
      errors.required(place, 'when session affinity type is ClientIP');
    } else if (seconds === undefined || seconds <= 0 || seconds > maxAffinitySeconds) {
      errors.invalid(own, seconds ?? null, `must be greater than 0 and less than ${maxAffinitySeconds}`);
    }
  } else if (spec.sessionAffinity === 'None' && spec.sessionAffinityConfig) {
    errors.forbidden(place, 'must not be set when session affinity is None');
  }
}

function validateExternalIp(ip: string, place: FieldPath, errors: FieldErrors, kept?: readonly string[]): void {
  const known = errors.list.length;
  validateIp(ip, place, errors, kept);
  if (errors.list.length === known) validateEndpointIp(ip, place, errors);
}

// Other types that can have none were forgotten once: a name with node ports is taken.
function validateNodePorts(spec: ServiceSpec, errors: FieldErrors): void {
  const seen = new Set<string>();
  const places = (spec.ports ?? []).map((port, index) => ({
    ...port,
    at: at.child('ports').index(index).child('nodePort'),
  }));
  if (spec.type === 'ClusterIP') {
    for (const port of places)
      if (port.nodePort) errors.forbidden(port.at, "may not be used when `type` is 'ClusterIP'");
  }
  for (const port of places) {
    if (!port.nodePort) continue;
    const key = `${port.protocol}/${port.nodePort}`;
    if (seen.has(key)) errors.duplicate(port.at, port.nodePort);
    seen.add(key);
  }
}

const sourceRangesAnnotation = 'service.beta.kubernetes.io/load-balancer-source-ranges';

// Upstream names this field as Go does.
function validateSourceRanges({ metadata, spec = {} }: Service, errors: FieldErrors, current?: Service): void {
  const ranges = spec.loadBalancerSourceRanges ?? [];
  const place = at.child('LoadBalancerSourceRanges');
  if (ranges.length) {
    if (spec.type !== 'LoadBalancer') errors.forbidden(place, onlyForLoadBalancers);
    const kept = (current?.spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim());
    ranges.forEach((range, index) => {
      validateCidr(range.trim(), place.index(index), errors, kept);
    });
    return;
  }
  const text = metadata.annotations?.[sourceRangesAnnotation];
  if (text === undefined) return;
  const annotation = path('metadata', 'annotations').key(sourceRangesAnnotation);
  if (spec.type !== 'LoadBalancer') errors.forbidden(annotation, onlyForLoadBalancers);
  if (text === current?.metadata.annotations?.[sourceRangesAnnotation]) return;
  for (const range of text.trim() ? text.trim().split(',') : []) validateCidr(range.trim(), annotation, errors);
}

function validatePolicies(spec: ServiceSpec, errors: FieldErrors): void {
  const { externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort, trafficDistribution } = spec;
  const policies = ['Cluster', 'Local'];
  const place = at.child('externalTrafficPolicy');
  if (hasExternalReach(spec)) requireSupported(errors, place, externalTrafficPolicy, policies);
  else if (externalTrafficPolicy) {
    errors.invalid(place, externalTrafficPolicy, 'may only be set for externally-accessible services');
  }
  const isLocal = spec.type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
  if (healthCheckNodePort && !isLocal) {
    errors.invalid(
      at.child('healthCheckNodePort'),
      healthCheckNodePort,
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
    );
  } else if (healthCheckNodePort) {
    for (const problem of portNumberProblems(healthCheckNodePort)) {
      errors.invalid(at.child('healthCheckNodePort'), healthCheckNodePort, problem);
    }
  }
  if (internalTrafficPolicy === undefined && ['ClusterIP', 'LoadBalancer', 'NodePort'].includes(spec.type ?? '')) {
    errors.required(at.child('internalTrafficPolicy'));
  }
  checkSupported(errors, at.child('internalTrafficPolicy'), internalTrafficPolicy, policies);
  checkSupported(errors, at.child('trafficDistribution'), trafficDistribution, [
    'PreferClose',
    'PreferSameZone',
    'PreferSameNode',
  ]);
}

export function validateServiceStatus(next: Service, current: Service, errors: FieldErrors): void {
  const kept = (current.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
  validateLoadBalancerStatus(next.status?.loadBalancer ?? {}, next.spec ?? {}, kept, errors);
}

function validateLoadBalancerStatus(
  status: LoadBalancerStatus,
  spec: ServiceSpec,
  kept: readonly string[],
  errors: FieldErrors,
): void {
  const list = path('status', 'loadBalancer', 'ingress');
  if (status.ingress?.length && spec.type !== 'LoadBalancer') {
    errors.forbidden(list, "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  status.ingress?.forEach(({ ip, ipMode, hostname }, index) => {
    const place = list.index(index);
    if (ip) validateIp(ip, place.child('ip'), errors, kept);
    if (ip && ipMode === undefined) errors.required(place.child('ipMode'), 'must be specified when `ip` is set');
    else if (!ip && ipMode !== undefined)
      errors.forbidden(place.child('ipMode'), 'may not be specified when `ip` is not set');
    else checkSupported(errors, place.child('ipMode'), ipMode, ['Proxy', 'VIP']);
    if (!hostname) return;
    validateBy(dns1123SubdomainProblems, hostname, place.child('hostname'), errors);
    if (parseIp(hostname)) errors.invalid(place.child('hostname'), hostname, 'must be a DNS name, not an IP address');
  });
}
