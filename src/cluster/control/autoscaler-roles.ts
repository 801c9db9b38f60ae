// Rights of the autoscalers that upstream has no roles for.
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../generated/rbac-v1.ts';
import { everywhere, inKubeSystem } from '../own-rights.ts';
import { clusterAutoscaler, verticalPodAutoscaler } from './controller-identities.ts';

/** Read what pods use, write what is recommended, evict and resize pods. */
export function verticalAutoscalerRole(): (ClusterRole | ClusterRoleBinding)[] {
  return everywhere('system:coracle:vertical-pod-autoscaler', verticalPodAutoscaler, [
    { apiGroups: ['autoscaling.k8s.io'], resources: ['verticalpodautoscalers'], verbs: ['get', 'list', 'watch'] },
    { apiGroups: ['autoscaling.k8s.io'], resources: ['verticalpodautoscalers/status'], verbs: ['get', 'patch'] },
    {
      apiGroups: ['autoscaling.k8s.io'],
      resources: ['verticalpodautoscalercheckpoints'],
      verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'],
    },
    { apiGroups: ['metrics.k8s.io'], resources: ['pods'], verbs: ['get', 'list'] },
    { apiGroups: [''], resources: ['pods', 'pods/resize'], verbs: ['get', 'patch'] },
    { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
    { apiGroups: ['*'], resources: ['*/scale'], verbs: ['get'] },
  ]);
}

/** Make and delete nodes, mark them, evict pods, and tell of it. */
export function nodeAutoscalerRoles(): (ClusterRole | ClusterRoleBinding | Role | RoleBinding)[] {
  const name = 'system:coracle:cluster-autoscaler';
  return [
    ...everywhere(name, clusterAutoscaler, [
      { apiGroups: [''], resources: ['nodes'], verbs: ['get', 'create', 'update', 'delete'] },
      { apiGroups: [''], resources: ['pods/eviction'], verbs: ['create'] },
    ]),
    ...inKubeSystem(name, clusterAutoscaler, [
      { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'create', 'patch'] },
    ]),
  ];
}
