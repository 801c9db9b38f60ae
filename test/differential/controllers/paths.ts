// Where objects of a kind are; NS stands for the namespace.

const namespaced: Readonly<Record<string, readonly string[]>> = {
  '/api/v1': [
    'Pod',
    'Service',
    'Endpoints',
    'ReplicationController',
    'ResourceQuota',
    'LimitRange',
    'PersistentVolumeClaim',
    'ServiceAccount',
    'Secret',
    'ConfigMap',
    'Event',
  ],
  '/apis/apps/v1': ['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'ControllerRevision'],
  '/apis/batch/v1': ['Job', 'CronJob'],
  '/apis/policy/v1': ['PodDisruptionBudget'],
  '/apis/discovery.k8s.io/v1': ['EndpointSlice'],
  '/apis/autoscaling/v2': ['HorizontalPodAutoscaler'],
  '/apis/resource.k8s.io/v1': ['ResourceClaim', 'ResourceClaimTemplate'],
};

const clusterScoped: Readonly<Record<string, readonly string[]>> = {
  '/api/v1': ['Namespace', 'Node', 'PersistentVolume'],
  '/apis/storage.k8s.io/v1': ['StorageClass', 'CSIDriver', 'CSINode', 'VolumeAttachment'],
  '/apis/rbac.authorization.k8s.io/v1': ['ClusterRole'],
  '/apis/certificates.k8s.io/v1': ['CertificateSigningRequest'],
  '/apis/scheduling.k8s.io/v1': ['PriorityClass'],
  '/apis/resource.k8s.io/v1': ['DeviceClass', 'ResourceSlice'],
  '/apis/apiregistration.k8s.io/v1': ['APIService'],
};

function plural(kind: string): string {
  const word = kind.toLowerCase();
  if (word === 'endpoints') return word;
  if (/s$/.test(word)) return `${word}es`;
  return word.endsWith('y') ? `${word.slice(0, -1)}ies` : `${word}s`;
}

function byKind(groups: Readonly<Record<string, readonly string[]>>, scope: string): [string, string][] {
  return Object.entries(groups).flatMap(([group, kinds]) =>
    kinds.map((kind): [string, string] => [kind, `${group}${scope}/${plural(kind)}`]),
  );
}

export const clusterKinds: ReadonlySet<string> = new Set(Object.values(clusterScoped).flat());

export const paths: ReadonlyMap<string, string> = new Map([
  ...byKind(namespaced, '/namespaces/NS'),
  ...byKind(clusterScoped, ''),
]);

/** What is compared in made-up stories. */
export const usualKinds: readonly string[] = [
  ...['Pod', 'Service', 'Endpoints', 'ReplicationController', 'ResourceQuota', 'PersistentVolumeClaim', 'Event'],
  ...['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'ControllerRevision', 'Job', 'CronJob'],
  ...['PodDisruptionBudget', 'EndpointSlice'],
];
