// The objects a cluster has before anybody made anything, created or mended at each start.
import type { ConfigMap, Endpoints, Service } from '../../generated/core-v1.ts';
import type { EndpointSlice } from '../../generated/discovery-v1.ts';
import type { ServiceCIDR } from '../../generated/networking-v1.ts';
import type { Role, RoleBinding } from '../../generated/rbac-v1.ts';
import type { StorageClass } from '../../generated/storage-v1.ts';
import { defaultStorageClass, localVolumeProvisioner } from '../api/core/local-volumes.ts';
import { apiVersionOf, type KubernetesObject } from '../api/meta/object.ts';
import { isAlreadyExists } from '../api/meta/status-error.ts';
import type { ResourceInfo } from '../api/resource-info.ts';
import { bootstrapObjects, reconcileBootstrap } from '../apiserver/authz/bootstrap.ts';
import type { ApiServer } from '../apiserver/server.ts';
import type { Client } from '../client/client.ts';
import { rangesIn } from '../network/addresses.ts';
import { nodeAutoscalerRoles, verticalAutoscalerRole } from './control/autoscaler-roles.ts';
import { dnsPublisher } from './control/controller-identities.ts';
import { metricsServerRoles } from './control/metrics-api.ts';
import { simulatedNodesRole } from './nodes/simulated/simulated-nodes.ts';
import { everywhere, inKubeSystem } from './own-rights.ts';
import type { ServerAddress } from './settings/server-addresses.ts';
import { serviceIp } from './settings/service-range.ts';
import { isReachable, type Settings } from './settings/settings.ts';

/** Creates what is missing and adds what later versions brought to roles; what was added by hand stays. */
export async function ensureBootstrap(
  client: Client,
  server: Pick<ApiServer, 'registry' | 'createOwn'>,
  objects: readonly KubernetesObject[],
): Promise<void> {
  await server.registry.hub.waitForHead();
  const byKind = new Map(server.registry.table.all().map((each) => [`${apiVersionOf(each)} ${each.kind}`, each]));
  const ensureOne = async (object: KubernetesObject) => {
    const resource = byKind.get(`${object.apiVersion} ${object.kind}`);
    if (!resource) throw new Error(`no resource for ${object.apiVersion} ${object.kind}`);
    await ensureObject(client, server, resource, object);
  };
  const isNamespace = ({ kind }: KubernetesObject) => kind === 'Namespace';
  await Promise.all(objects.filter(isNamespace).map(ensureOne));
  await Promise.all(objects.filter((each) => !isNamespace(each)).map(ensureOne));
}

async function ensureObject(
  client: Client,
  server: Pick<ApiServer, 'registry' | 'createOwn'>,
  resource: ResourceInfo,
  object: KubernetesObject,
): Promise<void> {
  const requests = client.resource<KubernetesObject>(resource);
  const key = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
  // Each of these kinds is stored in the version that is asked for here.
  const current = server.registry.cacheOf(resource).find(key.namespace, key.name)?.object;
  if (!current) {
    const create = () => server.createOwn?.(resource, object, manager) ?? requests.create(object);
    // A controller, or another server, may have been quicker.
    await create().catch((error) => {
      if (!isAlreadyExists(error)) throw error;
    });
    return;
  }
  const next = reconcileBootstrap(current, object) ?? reconcileAddresses(current, object);
  if (!next) return;
  if (next.isReplaced) {
    await requests.delete(key);
    await requests.create(next.object);
  } else {
    await requests.update(next.object);
  }
}

/** Who says so in managedFields. */
const manager = 'coracle';

/** Endpoints of our own server follow the machine's address. */
function reconcileAddresses(
  current: KubernetesObject,
  wanted: KubernetesObject,
): { object: KubernetesObject; isReplaced: boolean } | undefined {
  if (wanted.kind === 'Endpoints') {
    const { subsets } = wanted as Endpoints;
    if (JSON.stringify((current as Endpoints).subsets) === JSON.stringify(subsets)) return undefined;
    return { object: { ...current, subsets } as Endpoints, isReplaced: false };
  }
  if (wanted.kind === 'ConfigMap') {
    const [{ data: now = {} }, { data = {} }] = [current as ConfigMap, wanted as ConfigMap];
    if (Object.keys(data).every((key) => data[key] === now[key])) return undefined;
    return { object: { ...current, data: { ...now, ...data } } as ConfigMap, isReplaced: false };
  }
  if (wanted.kind !== 'EndpointSlice') return undefined;
  const { endpoints, ports } = wanted as EndpointSlice;
  const now = current as EndpointSlice;
  if (JSON.stringify([now.endpoints, now.ports]) === JSON.stringify([endpoints, ports])) return undefined;
  return { object: { ...now, endpoints, ports } as EndpointSlice, isReplaced: false };
}

/** All of them, in a cluster with these settings. */
export function clusterObjects(
  settings: Settings,
  nowMs: number,
  servers?: readonly ServerAddress[],
): KubernetesObject[] {
  const isSimulated = settings.simulatedNodes !== undefined;
  // Where nodes are simulated there may be real ones as well: those that join.
  const hasReal = !isSimulated || isReachable(settings);
  const own = [
    ...(hasReal ? [...dnsPublisherRole(), ...dnsConfigRole(), ...networkPolicyRole()] : []),
    ...(isSimulated ? simulatedNodesRole() : []),
  ];
  return [
    ...upstreamObjects(settings, nowMs, servers),
    ...own,
    ...metricsServerRoles(),
    ...verticalAutoscalerRole(),
    ...nodeAutoscalerRoles(),
    ...localVolumeRole(),
  ];
}

/** What clusters with nodes have besides: a class, so that claims which name none get a volume. */
export function nodeObjects(): KubernetesObject[] {
  const standard: StorageClass = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: {
      name: defaultStorageClass,
      annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' },
    },
    provisioner: localVolumeProvisioner,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  };
  return [standard];
}

/** Volumes are removed by the node's agent: DELETE is all that may be asked of it. */
function localVolumeRole(): KubernetesObject[] {
  return everywhere('system:coracle:local-volumes', 'persistent-volume-binder', [
    { apiGroups: [''], resources: ['nodes/proxy'], verbs: ['delete'] },
  ]);
}

/** Those that upstream's API server makes. */
export function upstreamObjects(
  settings: Settings,
  nowMs: number,
  servers?: readonly ServerAddress[],
): KubernetesObject[] {
  return [...bootstrapObjects(nowMs), serviceRange(settings), ...kubernetesService(settings, servers)];
}

/** The range that Services get their addresses from. */
function serviceRange({ serviceCidr }: Settings): KubernetesObject {
  const range: ServiceCIDR = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'kubernetes' },
    spec: { cidrs: rangesIn(serviceCidr) },
  };
  return range;
}

/** The Service that pods reach the API server by, at the first address of the range, and where it leads. */
export function kubernetesService(
  { serviceCidr, address, apiPort }: Settings,
  servers: readonly ServerAddress[] = [{ address, port: apiPort }],
): KubernetesObject[] {
  // No pod reaches a loopback address, and a slice may not name one: simulated clusters go without.
  const reachable = servers.filter((each) => !each.address.startsWith('127.'));
  // One slice has one port: that of the first, which is the same whoever asks.
  const port = Math.min(...reachable.map((each) => each.port));
  const addresses = reachable.filter((each) => each.port === port).map((each) => each.address);
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kubernetes', namespace: 'default', labels },
    spec: {
      clusterIP: serviceIp(serviceCidr, 1),
      type: 'ClusterIP',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: apiPort }],
      sessionAffinity: 'None',
    },
  };
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } },
    addressType: 'IPv4',
    endpoints: addresses.map((each) => ({ addresses: [each], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
  const endpoints: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' },
    },
    subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  };
  return addresses.length === 0 ? [service] : [service, endpoints, slice];
}

/** The service proxy of each node also holds its pods to network policies. */
function networkPolicyRole(): KubernetesObject[] {
  const verbs = ['list', 'watch'];
  return everywhere('system:coracle:network-policies', { user: 'system:kube-proxy' }, [
    { apiGroups: [''], resources: ['namespaces', 'pods'], verbs },
    { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs },
  ]);
}

/** The DNS of each node reads whom to ask about names of some domains. */
function dnsConfigRole(): KubernetesObject[] {
  const place = { resources: ['configmaps'], resourceNames: ['kube-dns'] };
  const rules = [{ apiGroups: [''], ...place, verbs: ['get', 'list', 'watch'] }];
  return inKubeSystem('system:coracle:dns-config', { user: 'system:kube-proxy' }, rules);
}

/** Whoever publishes kube-dns may write Services and slices in kube-system, and nothing else. */
function dnsPublisherRole(): (Role | RoleBinding)[] {
  const verbs = ['get', 'create', 'update'];
  return inKubeSystem('system:coracle:dns-publisher', dnsPublisher, [
    { apiGroups: [''], resources: ['services'], verbs },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs },
  ]);
}
