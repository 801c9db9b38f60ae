import type { Authority } from './certificates/issue.ts';

/** What controllers need to know of the cluster they run in. */
export interface ControllersConfig {
  /** PEM bundle that pods trust the API server by; absent: none is published. */
  readonly rootCa?: string;
  /** Signs certificates on request; absent: nobody does. */
  readonly signer?: Authority;
  /** How long its certificates are good at most; default a year. */
  readonly signingSeconds?: number;
  /** Nodes get their pod networks out of this range; absent: nobody hands them out. */
  readonly clusterCidr?: string;
  /** Addresses for Services of type LoadBalancer, as address-range.ts reads them; absent: nobody hands them out. */
  readonly loadBalancerRanges?: readonly string[];
  /** Size of a node's pod network; default 24. */
  readonly nodeCidrMaskSize?: number;
  /** A node that has not been heard of for so long is unknown; default 50. */
  readonly nodeMonitorGracePeriodSeconds?: number;
}
