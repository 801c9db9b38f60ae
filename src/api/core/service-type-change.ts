// When the type of a Service changes, what only the old type has goes with it, unless the client set it anew.
import type { ServiceSpec } from '../../../generated/core-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { hasExternalReach } from './service-reach.ts';

type Needs = (spec: ServiceSpec) => boolean;

const hasAddress: Needs = ({ type }) => type !== 'ExternalName';
const hasNodePorts: Needs = ({ type }) => type === 'NodePort' || type === 'LoadBalancer';
const isBalanced: Needs = ({ type }) => type === 'LoadBalancer';
const hasHealthCheck: Needs = (spec) => isBalanced(spec) && spec.externalTrafficPolicy === 'Local';

const ownFields: readonly (readonly [Needs, readonly (keyof ServiceSpec)[]])[] = [
  [hasAddress, ['clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy']],
  [isBalanced, ['allocateLoadBalancerNodePorts', 'loadBalancerClass']],
];

export function dropWhatTheTypeLacks(next: ServiceSpec, current: ServiceSpec): void {
  for (const [needs, fields] of ownFields) {
    if (!needs(current) || needs(next)) continue;
    for (const field of fields) if (isEqual(next[field], current[field])) delete next[field];
  }
  if (hasNodePorts(current) && !hasNodePorts(next)) dropNodePorts(next, current);
  if (hasHealthCheck(current) && !hasHealthCheck(next) && next.healthCheckNodePort === current.healthCheckNodePort) {
    delete next.healthCheckNodePort;
  }
  const isInside = hasExternalReach(current) && !hasExternalReach(next);
  if (isInside && next.externalTrafficPolicy === current.externalTrafficPolicy) delete next.externalTrafficPolicy;
}

function dropNodePorts(next: ServiceSpec, current: ServiceSpec): void {
  const known = new Set((current.ports ?? []).map(({ nodePort }) => nodePort));
  const ports = next.ports ?? [];
  if (!ports.every(({ nodePort }) => !nodePort || known.has(nodePort))) return;
  for (const port of ports) delete port.nodePort;
}
