import type { ListMeta, ObjectMeta } from '../../../generated/meta-v1.ts';

/** What every API object has. */
export interface KubernetesObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

export interface KubernetesList<T> {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: T[];
}

/** Names a kind and ties it to its TypeScript type. The constants are in generated/kinds.ts. */
export interface KindRef<T> {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Requests ask for PartialObjectMetadata: for those who need no more than names, labels and owners. */
  readonly metadataOnly?: boolean;
  /** Never set: carries the type only. */
  readonly object?: T;
}

/** An object's place in a kind. `namespace` is '' for cluster-scoped objects. */
export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}

/** `v1` or `apps/v1`. */
export function apiVersionOf(kind: { group: string; version: string }): string {
  return kind.group ? `${kind.group}/${kind.version}` : kind.version;
}

/** `namespace/name`, or just the name of a cluster-scoped object: the key of caches and work queues. */
export function keyOf(object: KubernetesObject): string {
  return object.metadata.namespace ? `${object.metadata.namespace}/${object.metadata.name}` : object.metadata.name;
}

export function splitKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: '', name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
