// What a place that machines and addresses are had from tells and does for a cluster. Each part is optional; addresses for
// Services are `../load-balancer/load-balancers.ts`. Routes between pods are not asked for: node agents make their own.
import type { Node, NodeAddress } from '../../../generated/core-v1.ts';

export interface InstanceFacts {
  /** `name-of-the-provider://…` */
  readonly providerId: string;
  readonly instanceType?: string;
  readonly zone?: string;
  readonly region?: string;
  /** Absent: what the node says of itself stays. */
  readonly addresses?: readonly NodeAddress[];
  readonly labels?: Readonly<Record<string, string>>;
}

/** The machines behind nodes. */
export interface Instances {
  /** False only where it is certain that there is none any more: its Node is deleted. A node of nobody's exists. */
  exists(node: Node, signal: AbortSignal): Promise<boolean>;
  isShutDown(node: Node, signal: AbortSignal): Promise<boolean>;
  /** Undefined: not this provider's. @throws when it can not be said now; asked again */
  facts(node: Node, signal: AbortSignal): Promise<InstanceFacts | undefined>;
}

export const uninitializedTaint = 'node.cloudprovider.kubernetes.io/uninitialized';
export const shutdownTaint = 'node.cloudprovider.kubernetes.io/shutdown';
