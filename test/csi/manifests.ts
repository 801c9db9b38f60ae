// What is put into the cluster: a driver in a pod, with its sidecars, as drivers are shipped.

export const driver = 'hostpath.csi.k8s.io';
const registry = 'registry.k8s.io/sig-storage';
const socket = '/csi/csi.sock';
const address = `--csi-address=${socket}`;

const hostPath = (name: string, path: string, type: string) => ({ name, hostPath: { path, type } });
const mount = (name: string, mountPath: string) => ({ name, mountPath });
const bidirectional = (name: string, mountPath: string) => ({ name, mountPath, mountPropagation: 'Bidirectional' });
const sidecar = (name: string, image: string, args: readonly string[]) => ({
  name,
  image: `${registry}/${image}`,
  args,
  volumeMounts: [mount('socket', '/csi')],
});

const driverContainer = {
  name: 'driver',
  image: `${registry}/hostpathplugin:v1.17.1`,
  args: [`--drivername=${driver}`, `--endpoint=unix://${socket}`, '--nodeid=$(NODE)', '--statedir=/csi-data-dir'],
  env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
  securityContext: { privileged: true },
  livenessProbe: {
    httpGet: { path: '/healthz', port: 9898 },
    periodSeconds: 2,
    timeoutSeconds: 3,
    failureThreshold: 5,
  },
  volumeMounts: [
    mount('socket', '/csi'),
    bidirectional('pods', '/var/lib/kubelet/pods'),
    bidirectional('plugins', '/var/lib/kubelet/plugins'),
    mount('data', '/csi-data-dir'),
    mount('dev', '/dev'),
  ],
};

const registrar = {
  ...sidecar('registrar', 'csi-node-driver-registrar:v2.16.0', [
    address,
    '--kubelet-registration-path=/var/lib/kubelet/plugins/csi-hostpath/csi.sock',
  ]),
  volumeMounts: [mount('socket', '/csi'), mount('registration', '/registration')],
};

const provisioner = {
  ...sidecar('provisioner', 'csi-provisioner:v6.1.1', [
    address,
    '--feature-gates=Topology=true',
    '--enable-capacity',
    '--capacity-poll-interval=5s',
    '--capacity-ownerref-level=0',
  ]),
  env: [
    { name: 'NAMESPACE', valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
    { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
  ],
};

/** @param dataDir folder of the machine for what the driver keeps */
export const driverObjects = (dataDir: string): object[] => [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'csi', namespace: 'kube-system' } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'csi' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'ServiceAccount', name: 'csi', namespace: 'kube-system' }],
  },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    metadata: { name: driver },
    spec: {
      podInfoOnMount: true,
      storageCapacity: true,
      volumeLifecycleModes: ['Persistent', 'Ephemeral'],
      fsGroupPolicy: 'File',
    },
  },
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'csi' },
    provisioner: driver,
    allowVolumeExpansion: true,
    volumeBindingMode: 'WaitForFirstConsumer',
  },
  {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'csi', namespace: 'kube-system' },
    spec: {
      serviceName: 'csi',
      selector: { matchLabels: { app: 'csi' } },
      template: {
        metadata: { labels: { app: 'csi' } },
        spec: {
          serviceAccountName: 'csi',
          terminationGracePeriodSeconds: 2,
          containers: [
            driverContainer,
            registrar,
            sidecar('liveness', 'livenessprobe:v2.18.0', [address, '--health-port=9898']),
            sidecar('attacher', 'csi-attacher:v4.11.0', [address]),
            provisioner,
            sidecar('resizer', 'csi-resizer:v2.1.0', [address]),
            sidecar('snapshotter', 'csi-snapshotter:v8.5.0', [address]),
            { name: 'snapshot-controller', image: `${registry}/snapshot-controller:v8.5.0` },
          ],
          volumes: [
            hostPath('socket', '/var/lib/kubelet/plugins/csi-hostpath', 'DirectoryOrCreate'),
            hostPath('pods', '/var/lib/kubelet/pods', 'DirectoryOrCreate'),
            hostPath('registration', '/var/lib/kubelet/plugins_registry', 'Directory'),
            hostPath('plugins', '/var/lib/kubelet/plugins', 'DirectoryOrCreate'),
            hostPath('data', dataDir, 'DirectoryOrCreate'),
            hostPath('dev', '/dev', 'Directory'),
          ],
        },
      },
    },
  },
];

export interface ClaimWish {
  readonly size: string;
  readonly volumeMode?: 'Block';
  readonly accessMode?: string;
  readonly dataSource?: object;
}

export const claim = (name: string, { size, volumeMode, accessMode, dataSource }: ClaimWish) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: {
    storageClassName: 'csi',
    accessModes: [accessMode ?? 'ReadWriteOnce'],
    resources: { requests: { storage: size } },
    ...(volumeMode ? { volumeMode } : {}),
    ...(dataSource ? { dataSource } : {}),
  },
});

/** A pod with volumes at /NAME and devices at /dev/NAME. */
export const user = (
  name: string,
  script: string,
  volumes: Readonly<Record<string, object>>,
  devices: string[] = [],
) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'c',
        image: 'busybox',
        imagePullPolicy: 'Never',
        command: ['sh', '-c', `${script}; exec sleep 10000`],
        volumeMounts: Object.keys(volumes)
          .filter((each) => !devices.includes(each))
          .map((each) => mount(each, `/${each}`)),
        volumeDevices: devices.map((each) => ({ name: each, devicePath: `/dev/${each}` })),
      },
    ],
    volumes: Object.entries(volumes).map(([each, source]) => ({ name: each, ...source })),
  },
});

export const ofClaim = (claimName: string) => ({ persistentVolumeClaim: { claimName } });
