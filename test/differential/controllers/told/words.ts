// Short words for objects and steps.
import type { PodStatusWish } from '../../../upstream/scenarios/pod-status.ts';
import type { Json, PodPolicy } from '../side.ts';
import type { Step, Story } from '../stories.ts';

export const create = (object: Json): Step => ({ do: 'create', object });
export const pods = (policy: PodPolicy): Step => ({ do: 'pods', policy });
export const say = (names: string, wish: PodStatusWish): Step => ({ do: 'say', names, wish });
export const live = (seconds: number): Step => ({ do: 'live', seconds });
export const wait = (seconds: number): Step => ({ do: 'wait', seconds });
export const patch = (kind: string, name: string, body: Json, more: { subresource?: string } = {}): Step => ({
  do: 'patch',
  kind,
  name,
  patch: body,
  type: 'merge',
  ...more,
});
export const remove = (kind: string, name: string, propagation?: string): Step => ({
  do: 'delete',
  kind,
  name,
  ...(propagation ? { propagation } : {}),
});
/** All objects of the kind that are in the namespace, by name one after another. */
export const removeAll = (kind: string): Step => ({ do: 'deleteAll', kind });
export const post = (kind: string, name: string, subresource: string, object: Json): Step => ({
  do: 'post',
  kind,
  name,
  subresource,
  object,
});

const versions: Readonly<Record<string, string>> = {
  Deployment: 'apps/v1',
  ReplicaSet: 'apps/v1',
  StatefulSet: 'apps/v1',
  DaemonSet: 'apps/v1',
  ControllerRevision: 'apps/v1',
  Job: 'batch/v1',
  CronJob: 'batch/v1',
  PodDisruptionBudget: 'policy/v1',
  EndpointSlice: 'discovery.k8s.io/v1',
  HorizontalPodAutoscaler: 'autoscaling/v2',
  ResourceClaim: 'resource.k8s.io/v1',
  ResourceClaimTemplate: 'resource.k8s.io/v1',
  DeviceClass: 'resource.k8s.io/v1',
  ResourceSlice: 'resource.k8s.io/v1',
  StorageClass: 'storage.k8s.io/v1',
  CSIDriver: 'storage.k8s.io/v1',
  CSINode: 'storage.k8s.io/v1',
  VolumeAttachment: 'storage.k8s.io/v1',
  ClusterRole: 'rbac.authorization.k8s.io/v1',
  CertificateSigningRequest: 'certificates.k8s.io/v1',
  PriorityClass: 'scheduling.k8s.io/v1',
  APIService: 'apiregistration.k8s.io/v1',
};

/** `rest` holds spec, status, data …; `metadata` in it is added to the name. */
export function object(kind: string, name: string, { metadata = {}, ...rest }: Json = {}): Json {
  return { apiVersion: versions[kind] ?? 'v1', kind, metadata: { name, ...metadata }, ...rest };
}

export const make = (kind: string, name: string, rest: Json = {}): Step => create(object(kind, name, rest));

export const labels = { app: 'a' };

/** A pod's spec with one container. */
export const podSpec = (spec: Json = {}, container: Json = {}): Json => ({
  terminationGracePeriodSeconds: 1,
  containers: [{ name: 'c', image: 'i1', ...container }],
  ...spec,
});
export const pod = (name: string, spec: Json = {}, metadata: Json = { labels }): Step =>
  make('Pod', name, { metadata, spec: podSpec(spec) });
export const template = (spec: Json = {}, metadata: Json = {}): Json => ({
  metadata: { labels, ...metadata },
  spec: podSpec(spec),
});

export const story = (title: string, kinds: readonly string[], ...steps: readonly Step[]): Story => ({
  title,
  kinds,
  steps,
});
