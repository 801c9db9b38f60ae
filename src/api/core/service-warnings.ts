// What is accepted in Services and does nothing, or will go.
import type { Service } from '../../../generated/core-v1.ts';
import { path } from '../meta/field-errors.ts';
import { cidrWarnings, ipWarnings } from '../meta/ip-address.ts';

const oldHints = 'service.kubernetes.io/topology-aware-hints';
const hints = 'service.kubernetes.io/topology-mode';

export function serviceWarnings({ metadata, spec = {} }: Service): string[] {
  const { type, clusterIP, clusterIPs = [], externalIPs = [], externalName, loadBalancerIP } = spec;
  const at = path('spec');
  const warnings: string[] = [];
  if (metadata.annotations?.[oldHints] !== undefined) {
    warnings.push(`annotation ${oldHints} is deprecated, please use ${hints} instead`);
  }
  const hasAddress = Boolean(clusterIP) && clusterIP !== 'None' && type !== 'ExternalName';
  if (hasAddress)
    warnings.push(...clusterIPs.flatMap((ip, index) => ipWarnings(ip, at.child('clusterIPs').index(index))));
  const isHeadless = type === 'ClusterIP' && clusterIP === 'None';
  if (isHeadless) {
    if (loadBalancerIP) warnings.push('spec.loadBalancerIP is ignored for headless services');
    if (externalIPs.length > 0) warnings.push('spec.externalIPs is ignored for headless services');
    if (spec.sessionAffinity !== 'None') warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  warnings.push(...externalIPs.flatMap((ip, index) => ipWarnings(ip, at.child('externalIPs').index(index))));
  if (externalIPs.length > 0 && !isHeadless && type !== 'ExternalName') {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  if (loadBalancerIP) warnings.push(...ipWarnings(loadBalancerIP, at.child('loadBalancerIP')));
  const ranges = spec.loadBalancerSourceRanges ?? [];
  warnings.push(
    ...ranges.flatMap((each, index) => cidrWarnings(each, at.child('loadBalancerSourceRanges').index(index))),
  );
  if (type === 'ExternalName' && externalIPs.length > 0) {
    warnings.push('spec.externalIPs is ignored when spec.type is "ExternalName"');
  }
  if (externalName && type !== 'ExternalName') {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (spec.trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}
