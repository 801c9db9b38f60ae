// What each `up` may say anew and the cluster keeps.
import type { NodeAutoscalerConfig } from '../../controllers/node-autoscaler/config.ts';
import type { AuditOptions } from '../audit-options.ts';
import type { StorageOptions } from '../storage/storage-options.ts';
import type { MachineRuntime } from './runtime-endpoint.ts';

/** Absent in what is asked: as the cluster was, or the default. */
export interface Choices {
  /** The address others reach the API server by; by default the machine's, or the loopback without real nodes. */
  readonly advertiseAddress?: string;
  /** The address it listens at; by default all, or the loopback alone where nobody is to reach it. */
  readonly bindAddress?: string;
  /** Addresses for load balancers, or `none`. */
  readonly loadBalancerRange?: string;
  readonly storage?: StorageOptions;
  readonly audit?: AuditOptions;
  /** A KubeSchedulerConfiguration. */
  readonly schedulerConfigFile?: string;
  /** A KubeletConfiguration for the nodes of this machine. */
  readonly kubeletConfigFile?: string;
  /** The machine's own runtime; absent: a containerd of the node's. */
  readonly machineRuntime?: MachineRuntime;
  /** What pods may take to end when the cluster is stopped; 0, the default: they go on. */
  readonly podShutdownMs?: number;
  /** Simulated nodes come and go. */
  readonly nodeAutoscaling?: NodeAutoscalerConfig;
}

/** Those that are kept as they are said: the addresses also follow from the kind of nodes. */
export function keptChoices(before: Choices, said: Choices): Choices {
  const storage = said.storage && { ...before.storage, ...said.storage };
  const audit = said.audit && { ...before.audit, ...said.audit };
  return {
    ...(said.loadBalancerRange ? { loadBalancerRange: said.loadBalancerRange } : {}),
    ...(storage ? { storage } : {}),
    ...(audit ? { audit } : {}),
    ...(said.schedulerConfigFile ? { schedulerConfigFile: said.schedulerConfigFile } : {}),
    ...(said.kubeletConfigFile ? { kubeletConfigFile: said.kubeletConfigFile } : {}),
    ...(said.machineRuntime ? { machineRuntime: said.machineRuntime } : {}),
    ...(said.podShutdownMs === undefined ? {} : { podShutdownMs: said.podShutdownMs }),
    ...(said.nodeAutoscaling ? { nodeAutoscaling: said.nodeAutoscaling } : {}),
  };
}
