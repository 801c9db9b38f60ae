// What a cloud does for Services of type LoadBalancer. One implementation a provider.
import type { LoadBalancerStatus, Node, Service } from '../../../generated/core-v1.ts';

export interface LoadBalancers {
  /** The load balancer of this Service, made or brought up to date; may be repeated. @throws Error for the Service's owner */
  ensure(service: Service, nodes: readonly Node[], signal: AbortSignal): Promise<LoadBalancerStatus>;
  /** Whether what the Service has is what it asks for; true where somebody else gave it. */
  isComplete(service: Service): boolean;
  /** What the Service's annotations have to say of it; null for those that must go. */
  annotations(status: LoadBalancerStatus): Readonly<Record<string, string | null>>;
  /** Takes it away, if it is there. */
  remove(service: Service, signal: AbortSignal): Promise<void>;
}
