/** Keeps the kube-dns Service and its endpoints. */
export const dnsPublisher = 'kube-dns-publisher';

/** Serves the resource metrics API. */
export const metricsServer = 'metrics-server';

/** Recommends what pods should request, and brings them there. */
export const verticalPodAutoscaler = 'vertical-pod-autoscaler';

/** Approves certificates of machines that joined. */
export const nodeCertificateApprover = 'node-certificate-approver';

/** Scales groups of nodes. */
export const clusterAutoscaler = 'cluster-autoscaler';

/** Controllers by name, and the service account in kube-system each acts as; upstream's, whose roles they get. */
export const controllerIdentities: Readonly<Record<string, string>> = {
  'bootstrap-signer': 'bootstrap-signer',
  'certificatesigningrequest-approving': 'certificate-controller',
  'certificatesigningrequest-cleaner': 'certificate-controller',
  'certificatesigningrequest-signing': 'certificate-controller',
  'cloud-node': 'node-controller',
  'cloud-node-lifecycle': 'node-controller',
  'clusterrole-aggregation': 'clusterrole-aggregation-controller',
  cronjob: 'cronjob-controller',
  [dnsPublisher]: dnsPublisher,
  [metricsServer]: metricsServer,
  daemonset: 'daemon-set-controller',
  deployment: 'deployment-controller',
  'ephemeral-volume-controller': 'ephemeral-volume-controller',
  'device-taint-eviction-controller': 'device-taint-eviction-controller',
  disruption: 'disruption-controller',
  endpoints: 'endpoint-controller',
  endpointslice: 'endpointslice-controller',
  endpointslicemirroring: 'endpointslicemirroring-controller',
  'garbage-collector': 'generic-garbage-collector',
  horizontalpodautoscaler: 'horizontal-pod-autoscaler',
  job: 'job-controller',
  namespace: 'namespace-controller',
  'node-certificate-approving': nodeCertificateApprover,
  'node-autoscaler': clusterAutoscaler,
  'node-ipam': 'node-controller',
  'node-lifecycle': 'node-controller',
  'persistentvolume-attach-detach': 'attachdetach-controller',
  'persistentvolume-binder': 'persistent-volume-binder',
  'persistentvolume-expander': 'expand-controller',
  'pod-garbage-collector': 'pod-garbage-collector',
  'pv-protection': 'pv-protection-controller',
  'pvc-protection': 'pvc-protection-controller',
  replicaset: 'replicaset-controller',
  replicationcontroller: 'replication-controller',
  'resourceclaim-controller': 'resource-claim-controller',
  resourcequota: 'resourcequota-controller',
  'root-ca-certificate-publisher': 'root-ca-cert-publisher',
  'service-cidr-controller': 'service-cidrs-controller',
  'service-lb-controller': 'service-controller',
  serviceaccount: 'service-account-controller',
  statefulset: 'statefulset-controller',
  'taint-eviction': 'node-controller',
  'token-cleaner': 'token-cleaner',
  'ttl-controller': 'ttl-controller',
  'ttl-after-finished': 'ttl-after-finished-controller',
  'validatingadmissionpolicy-status': 'validatingadmissionpolicy-status-controller',
  [verticalPodAutoscaler]: verticalPodAutoscaler,
  'vac-protection': 'volumeattributesclass-protection-controller',
};
