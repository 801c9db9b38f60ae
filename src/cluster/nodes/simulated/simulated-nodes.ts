import type { ClusterRole, ClusterRoleBinding } from '../../../../generated/rbac-v1.ts';
import type { ApiServer } from '../../../apiserver/server.ts';
import { everywhere } from '../../own-rights.ts';
import { type ComponentThread, serviceAccountUser, startComponentThread } from '../../threads/component-thread.ts';
import { simulatedNodesAccount } from './simulated-nodes-account.ts';

export interface SimulatedSettings {
  readonly count: number;
  readonly clusterDomain: string;
}

export interface SimulatedNodesOptions {
  readonly server: ApiServer;
  readonly settings: SimulatedSettings;
  readonly writeLog: (line: string) => void;
  readonly onFailure: (error: Error) => void;
}

/** Starts the thread in which all simulated nodes live. */
export function startSimulatedNodes(options: SimulatedNodesOptions): Promise<ComponentThread> {
  const identities = { [simulatedNodesAccount]: serviceAccountUser(simulatedNodesAccount) };
  return startComponentThread({ ...options, entry: 'simulated-worker', identities });
}

/** What simulated nodes may do: what nodes do, for all of them, and no reading of Secrets. */
export function simulatedNodesRole(): (ClusterRole | ClusterRoleBinding)[] {
  return everywhere('system:coracle:simulated-nodes', simulatedNodesAccount, [
    { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'list', 'watch', 'create', 'update', 'patch'] },
    { apiGroups: [''], resources: ['nodes/status'], verbs: ['update', 'patch'] },
    { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'delete'] },
    { apiGroups: [''], resources: ['pods/status'], verbs: ['update', 'patch'] },
    { apiGroups: [''], resources: ['services'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update', 'patch'] },
    { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'update', 'patch'] },
  ]);
}
