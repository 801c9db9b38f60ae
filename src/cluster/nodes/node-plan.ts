// What each real node of a cluster is called and where it keeps its things. The first is this machine itself; further
// ones have a network namespace, a containerd and folders of their own.
import { join } from 'node:path';
import { nodeNamespaceName } from '../../network/overlay/names.ts';
import type { Layout } from '../settings/layout.ts';
import type { MachineRuntime } from '../settings/runtime-endpoint.ts';
import type { Settings } from '../settings/settings.ts';
import { cgroupName } from './cgroup-name.ts';

export interface NodePlan {
  readonly name: string;
  readonly address: string;
  readonly agentPort: number;
  /** Absent: the machine's own network. */
  readonly namespace?: string;
  /** Pods, their volumes and logs, the CNI configuration. */
  readonly folder: string;
  readonly containerd: string;
  /** The machine's own runtime; absent: the containerd in that folder, which is the node's. */
  readonly machineRuntime?: MachineRuntime;
  readonly pki: string;
  readonly logFile: string;
  readonly cgroup: string;
  /** Names of its parts for `status` and `logs`. */
  readonly parts: { readonly agent: string; readonly containerd: string };
}

/** Agents that share no address with others have the port everybody expects. */
const agentPort = 10250;

/** The machine itself, of a cluster here or of one that it has joined. */
export function machineNode(
  layout: Layout,
  settings: Pick<Settings, 'nodeName' | 'address' | 'agentPort' | 'machineRuntime'>,
): NodePlan {
  return {
    ...(settings.machineRuntime ? { machineRuntime: settings.machineRuntime } : {}),
    name: settings.nodeName,
    address: settings.address,
    agentPort: settings.agentPort,
    folder: layout.node,
    containerd: layout.containerd,
    pki: layout.pki,
    logFile: join(layout.logs, 'node.log'),
    cgroup: cgroupName(layout.name),
    parts: { agent: 'node', containerd: 'containerd' },
  };
}

export function furtherNode(layout: Layout, { name, address }: { name: string; address: string }): NodePlan {
  const folder = furtherNodeFolder(layout, name);
  return {
    name,
    address,
    agentPort,
    namespace: `/run/netns/${nodeNamespaceName(layout.name, name)}`,
    folder: join(folder, 'node'),
    containerd: join(folder, 'containerd'),
    pki: join(folder, 'pki'),
    logFile: join(layout.logs, `node-${name}.log`),
    cgroup: `${cgroupName(layout.name)}/node-${name}`,
    parts: { agent: `node/${name}`, containerd: `containerd/${name}` },
  };
}

/** Holds all that belongs to a further node. */
export function furtherNodeFolder(layout: Layout, name: string): string {
  return join(layout.nodes, name);
}

/** All of them, this machine first. */
export function realNodes(layout: Layout, settings: Settings): NodePlan[] {
  if (settings.simulatedNodes !== undefined) return [];
  return [machineNode(layout, settings), ...(settings.furtherNodes ?? []).map((each) => furtherNode(layout, each))];
}
