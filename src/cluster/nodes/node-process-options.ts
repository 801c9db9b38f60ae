import type { MachineRuntime } from '../settings/runtime-endpoint.ts';
import type { PodNetworkEncryption } from './pod-network-encryption.ts';

/** What the node agent's process is started with: places, never secrets, since anyone can read a process's arguments. */
export interface NodeProcessOptions {
  /** The cluster's. */
  readonly name: string;
  readonly nodeName: string;
  readonly address: string;
  readonly agentPort: number;
  /** `https://192.0.2.2:6443` */
  readonly server: string;
  /** Of a machine that joined: a list of all servers of the cluster, kept true by this process (join/known-servers.ts). */
  readonly serversFile?: string;
  /** Holds ca.crt and this node's identities. */
  readonly pki: string;
  readonly folder: string;
  readonly cgroup: string;
  readonly containerdSocket: string;
  /** The machine's own; absent: that socket is of a containerd of the node's. */
  readonly machineRuntime?: MachineRuntime;
  /** The cluster's ranges. */
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  /** The node that is the machine, for one in a namespace. */
  readonly machine?: string;
  /** Where changed switches of the kernel are noted, when they are this node's own and not the machine's. */
  readonly sysctlRecord?: string;
  /** Of a node that the cluster's provider made. */
  readonly providerId?: string;
  /** Told to stop, the agent ends its pods first, in the order and time of its configuration. */
  readonly endsPods?: boolean;
  /** A KubeletConfiguration. */
  readonly kubeletConfigFile?: string;
  /** Absent: none. */
  readonly podNetworkEncryption?: PodNetworkEncryption;
}
