// Versions that upstream no longer serves and that manifests, charts and articles of ten years still name. They have the shape of the
// storage version as far as they go; where a kind defaults or converts them in its own way, its KindDefinition says so and wins.

export interface OldVersion {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly storageGroup: string;
}

const served: Record<string, readonly string[]> = {
  'apps/v1beta1': ['ControllerRevision', 'Deployment', 'StatefulSet'],
  'apps/v1beta2': ['ControllerRevision', 'DaemonSet', 'Deployment', 'ReplicaSet', 'StatefulSet'],
  'batch/v1beta1': ['CronJob'],
  'extensions/v1beta1': ['DaemonSet', 'Deployment', 'Ingress', 'NetworkPolicy', 'ReplicaSet'],
  'networking.k8s.io/v1beta1': ['Ingress', 'IngressClass'],
  'policy/v1beta1': ['PodDisruptionBudget'],
  'rbac.authorization.k8s.io/v1beta1': ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'],
  'storage.k8s.io/v1beta1': ['CSIDriver', 'CSINode', 'StorageClass', 'VolumeAttachment'],
};

/** Kinds of `extensions` live in another group today. */
const movedTo: Record<string, string> = {
  DaemonSet: 'apps',
  Deployment: 'apps',
  ReplicaSet: 'apps',
  Ingress: 'networking.k8s.io',
  NetworkPolicy: 'networking.k8s.io',
};

export const oldVersions: readonly OldVersion[] = Object.entries(served).flatMap(([groupVersion, kinds]) => {
  const [group, version] = groupVersion.split('/') as [string, string];
  return kinds.map((kind) => ({ group, version, kind, storageGroup: group === 'extensions' ? movedTo[kind]! : group }));
});
