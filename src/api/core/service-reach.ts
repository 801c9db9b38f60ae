// Whether a Service can be reached from outside the cluster.
import type { ServiceSpec } from '../../../generated/core-v1.ts';

/** By node ports, a load balancer or external addresses. */
export function hasExternalReach({ type, externalIPs }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer' || (type === 'ClusterIP' && (externalIPs?.length ?? 0) > 0);
}
