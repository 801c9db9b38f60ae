import type { ControllersConfig } from '../../controllers/config.ts';
import type { NodeAutoscalerConfig } from '../../controllers/node-autoscaler/config.ts';
import type { Configuration } from '../../scheduler/config/types.ts';
import type { MachineProviderSettings } from '../nodes/machine-provider.ts';
import type { ComponentName } from '../settings/up-options.ts';
import type { MetricsApiSettings } from './metrics-api.ts';

/** What the thread of controllers and scheduler is told. */
export interface ControlSettings {
  readonly controllers: ControllersConfig;
  readonly only: readonly ComponentName[];
  /** Nodes serve the cluster's DNS, which is then published at this range's tenth address. */
  readonly dnsServiceCidr?: string;
  /** There are nodes whose usage is served. */
  readonly metrics?: MetricsApiSettings;
  /** Nodes are this machine's own. */
  readonly machine?: MachineProviderSettings;
  /** Nodes come and go. */
  readonly nodeAutoscaling?: NodeAutoscalerConfig;
  readonly leaderElection: LeaderElectionSettings;
  /** Absent: upstream's default. */
  readonly scheduling?: Configuration;
}

export interface LeaderElectionSettings {
  /** Of this instance, in the Leases. */
  readonly identity: string;
  /** Others may share the store, on other machines. */
  readonly isShared: boolean;
}

export const controllerManager = 'system:kube-controller-manager';
export const scheduler = 'system:kube-scheduler';
