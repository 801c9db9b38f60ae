// What is accepted in Services and does nothing, or will go.
import type { Service } from '../../../generated/core-v1.ts';

export function serviceWarnings({ spec = {} }: Service): string[] {
  const warnings: string[] = [];
  const isHeadless = spec.clusterIPs?.[0] === 'None';
  if (spec.externalName && spec.type !== 'ExternalName') {
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  }
  if (isHeadless && spec.sessionAffinity !== 'None') {
    warnings.push('spec.SessionAffinity is ignored for headless services');
  }
  if (spec.externalIPs?.length) {
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  }
  if (spec.trafficDistribution === 'PreferClose') {
    warnings.push('spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"');
  }
  return warnings;
}
