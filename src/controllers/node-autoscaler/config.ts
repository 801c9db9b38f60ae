// What node autoscaling is told. Plain data: it crosses threads and is kept with the cluster's settings.
import type { Taint } from '../../../generated/core-v1.ts';

export type Expander = 'least-waste' | 'random' | 'priority' | 'most-pods';

/** Nodes that are alike, and how many of them there may be. */
export interface NodeGroupConfig {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** What a node of the group has: `{cpu: '4', memory: '16Gi', pods: '110'}`. */
  readonly resources: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly taints?: readonly Taint[];
  /** How long a new node takes to appear. */
  readonly bootSeconds?: number;
}

/** Times in milliseconds. Absent: as in upstream's flags of the same name. */
export interface AutoscalerTimes {
  readonly scanInterval?: number;
  readonly scaleDownUnneededTime?: number;
  readonly scaleDownUnreadyTime?: number;
  readonly scaleDownDelayAfterAdd?: number;
  readonly scaleDownDelayAfterFailure?: number;
  readonly maxNodeProvisionTime?: number;
}

export interface NodeAutoscalerConfig {
  readonly groups: readonly NodeGroupConfig[];
  /** Default `least-waste`. */
  readonly expander?: Expander;
  /** Nodes that use less of both CPU and memory than this part are candidates to go; default 0.5. */
  readonly scaleDownUtilizationThreshold?: number;
  readonly times?: AutoscalerTimes;
}

const minute = 60_000;

export const defaultTimes: Required<AutoscalerTimes> = {
  scanInterval: 10_000,
  scaleDownUnneededTime: 10 * minute,
  scaleDownUnreadyTime: 20 * minute,
  scaleDownDelayAfterAdd: 10 * minute,
  scaleDownDelayAfterFailure: 3 * minute,
  maxNodeProvisionTime: 15 * minute,
};
