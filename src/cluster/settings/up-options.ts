import type { PodNetworkEncryption } from '../nodes/pod-network-encryption.ts';
import type { Choices } from './choices.ts';
import type { Layout } from './layout.ts';
import type { RuntimeFlags } from './runtime-endpoint.ts';

export const componentNames = ['apiserver', 'controllers', 'scheduler'] as const;
export type ComponentName = (typeof componentNames)[number];

/** What `coracle up` was asked. */
export interface UpOptions extends Choices, RuntimeFlags {
  readonly layout: Layout;
  readonly kubeconfigFile: string;
  readonly port?: number;
  /** How many nodes run containers, this machine the first of them. Absent: as the cluster was, or one. */
  readonly realNodes?: number;
  /** Absent: this machine is the node and runs containers. */
  readonly simulatedNodes?: number;
  /** How simulated pods and nodes live: put into the ConfigMap kube-system/simulation. Absent: that is left as it is. */
  readonly simulationFile?: string;
  /** A node that has not been heard of for so long is lost. Absent: 50 s. */
  readonly nodeMonitorGraceMs?: number;
  /** Certificates that are asked for are good for so long at most. Absent: a year. */
  readonly signingMs?: number;
  /** Absent: everything. */
  readonly only?: readonly ComponentName[];
  readonly serviceCidr?: string;
  readonly podCidr?: string;
  /** Absent: as the cluster was, or none. */
  readonly podNetworkEncryption?: PodNetworkEncryption;
}

/** What `up` tells while it works; also the messages from a detached server to the command that waits for it. */
export type Progress =
  | { readonly type: 'step'; readonly name: string; readonly text: string; readonly ms: number }
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'ready'; readonly context: string; readonly ms: number; readonly rssBytes: number }
  | {
      readonly type: 'failed';
      readonly exitCode: number;
      readonly code: string;
      readonly message: string;
      readonly remedy: string;
    };

export type Report = (progress: Progress) => void;
