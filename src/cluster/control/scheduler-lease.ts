import type { Configuration } from '../../scheduler/config/types.ts';
import { parseDuration } from '../../schema/time.ts';
import type { LeasePace } from './run-with-lease.ts';

export interface SchedulerLease {
  readonly leaseName: string;
  readonly namespace: string;
  /** It acts without asking. */
  readonly isOff: boolean;
  /** Where the configuration differs from upstream's defaults. */
  readonly pace?: LeasePace;
}

const seconds = (text: string) => Number(parseDuration(text)) / 1e9;

/** What a scheduler's configuration says of its Lease. */
export function schedulerLease(configuration: Configuration | undefined): SchedulerLease {
  if (!configuration) return { leaseName: 'kube-scheduler', namespace: 'kube-system', isOff: false };
  const { leaderElect, resourceName, resourceNamespace, ...election } = configuration.leaderElection;
  const pace = {
    leaseSeconds: seconds(election.leaseDuration),
    renewDeadlineSeconds: seconds(election.renewDeadline),
    retrySeconds: seconds(election.retryPeriod),
  };
  const isDefault = pace.leaseSeconds === 15 && pace.renewDeadlineSeconds === 10 && pace.retrySeconds === 2;
  return { leaseName: resourceName, namespace: resourceNamespace, isOff: !leaderElect, ...(isDefault ? {} : { pace }) };
}
