// What lets machines join: the rights of those who come with a bootstrap token, and what they must know. Names of rights
// are kubeadm's, because tokens and tools name the group.
import type { ConfigMap } from '../../generated/core-v1.ts';
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '../../generated/rbac-v1.ts';
import type { KubernetesObject } from '../api/meta/object.ts';
import { stringifyYaml } from '../base/yaml.ts';
import { nodeCertificateApprover } from './control/controller-identities.ts';
import type { PodNetworkEncryption } from './nodes/pod-network-encryption.ts';
import { everywhere } from './own-rights.ts';
import type { Settings } from './settings/settings.ts';

/** What a bootstrap token is in, when it is to let nodes join. */
export const joinGroup = 'system:bootstrappers:kubeadm:default-node-token';

/** What a machine that joins is told of the cluster: in the ConfigMap kube-system/coracle-cluster. */
export interface ClusterFacts {
  readonly podCidr: string;
  readonly serviceCidr: string;
  readonly clusterDomain: string;
  /** Absent: none. */
  readonly podNetworkEncryption?: PodNetworkEncryption;
}

export const clusterFactsPlace = { namespace: 'kube-system', name: 'coracle-cluster' };

const apiGroup = 'rbac.authorization.k8s.io';
const apiVersion = `${apiGroup}/v1`;
const group = (name: string): Subject => ({ apiGroup, kind: 'Group', name });
const requests = 'system:certificates.k8s.io:certificatesigningrequests';

function boundTo(name: string, role: string, subject: Subject): ClusterRoleBinding {
  const roleRef = { apiGroup, kind: 'ClusterRole', name: role };
  return { apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects: [subject] };
}

function mayRead(
  name: string,
  place: { namespace: string; name: string },
  subjects: Subject[],
): (Role | RoleBinding)[] {
  const metadata = { name, namespace: place.namespace };
  const rules: PolicyRule[] = [
    { apiGroups: [''], resources: ['configmaps'], resourceNames: [place.name], verbs: ['get'] },
  ];
  return [
    { apiVersion, kind: 'Role', metadata, rules },
    { apiVersion, kind: 'RoleBinding', metadata, roleRef: { apiGroup, kind: 'Role', name }, subjects },
  ];
}

/** @param ca PEM of the authority that joining machines are to believe */
export function joinObjects(settings: Settings, ca: string): KubernetesObject[] {
  const getNodes: ClusterRole = {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: 'kubeadm:get-nodes' },
    rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }],
  };
  const anybody: Subject = { apiGroup, kind: 'User', name: 'system:anonymous' };
  const info = { namespace: 'kube-public', name: 'cluster-info' };
  return [
    boundTo('kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', group(joinGroup)),
    boundTo('kubeadm:node-autoapprove-bootstrap', `${requests}:nodeclient`, group(joinGroup)),
    boundTo('kubeadm:node-autoapprove-certificate-rotation', `${requests}:selfnodeclient`, group('system:nodes')),
    getNodes,
    boundTo('kubeadm:get-nodes', 'kubeadm:get-nodes', group(joinGroup)),
    ...mayRead('kubeadm:bootstrap-signer-clusterinfo', info, [anybody]),
    ...mayRead('coracle:cluster-facts', clusterFactsPlace, [group(joinGroup), group('system:nodes')]),
    ...approverRights(),
    configMap(info, { kubeconfig: kubeconfigOf(settings, ca) }),
    configMap(clusterFactsPlace, { 'cluster.json': JSON.stringify(factsOf(settings)) }),
  ];
}

function configMap(metadata: { namespace: string; name: string }, data: Record<string, string>): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
}

const factsOf = ({ podCidr, serviceCidr, clusterDomain, podNetworkEncryption }: Settings): ClusterFacts => ({
  podCidr,
  serviceCidr,
  clusterDomain,
  ...(podNetworkEncryption ? { podNetworkEncryption } : {}),
});

/** Where the cluster is and whom to believe; no credential. */
function kubeconfigOf({ address, apiPort }: Settings, ca: string): string {
  const cluster = {
    'certificate-authority-data': Buffer.from(ca).toString('base64'),
    server: `https://${address}:${apiPort}`,
  };
  return stringifyYaml({
    apiVersion: 'v1',
    clusters: [{ cluster, name: '' }],
    contexts: null,
    'current-context': '',
    kind: 'Config',
    preferences: {},
    users: null,
  });
}

function approverRights(): (ClusterRole | ClusterRoleBinding)[] {
  const certificates = { apiGroups: ['certificates.k8s.io'] };
  const signerNames = ['kubernetes.io/kubelet-serving', 'kubernetes.io/kube-apiserver-client'];
  return everywhere('system:coracle:node-certificate-approver', nodeCertificateApprover, [
    { ...certificates, resources: ['certificatesigningrequests'], verbs: ['get', 'list', 'watch'] },
    { ...certificates, resources: ['certificatesigningrequests/approval'], verbs: ['update'] },
    { ...certificates, resources: ['signers'], resourceNames: signerNames, verbs: ['approve'] },
  ]);
}
