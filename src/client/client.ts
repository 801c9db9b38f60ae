// Typed requests. Implementation: create-client.ts. Errors of the server arrive as StatusError.
import type { DeleteOptions, ListMeta, ObjectMeta } from '../../generated/meta-v1.ts';
import type { KindRef, KubernetesObject, ObjectKey } from '../api/meta/object.ts';

export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly limit?: number;
  readonly continue?: string;
  readonly signal?: AbortSignal;
}

export interface WatchOptions extends ListOptions {
  readonly allowBookmarks?: boolean;
  readonly sendInitialEvents?: boolean;
  readonly timeoutSeconds?: number;
  /** The server has agreed to tell what happens; events follow. */
  readonly onOpen?: () => void;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly object: { metadata: ObjectMeta } };

export interface List<T> {
  readonly metadata: ListMeta;
  readonly items: T[];
}

export type PatchType = 'merge' | 'strategic' | 'json' | 'apply';

export interface WriteOptions {
  /** `status`, `scale`, `binding`, `eviction`… */
  readonly subresource?: string;
  readonly dryRun?: boolean;
  readonly fieldManager?: string;
  readonly signal?: AbortSignal;
}

/** An object to be created: the server fills in the rest of the metadata. */
export type NewObject<T extends KubernetesObject> = Omit<T, 'metadata'> & { metadata: Partial<ObjectMeta> };

export interface ResourceClient<T extends KubernetesObject> {
  /** Throws NotFound when absent. */
  get(key: ObjectKey, options?: { signal?: AbortSignal; resourceVersion?: string }): Promise<T>;
  /** Undefined when absent. */
  find(key: ObjectKey, options?: { signal?: AbortSignal }): Promise<T | undefined>;
  list(options?: ListOptions): Promise<List<T>>;
  /**
   * One watch request; ends when the server ends it or the signal aborts. Throws StatusError for an ERROR event
   * (410 Expired among them). Informers are what resumes.
   */
  watch(options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create(object: NewObject<T>, options?: WriteOptions): Promise<T>;
  /** PUT; metadata.resourceVersion guards against lost updates. */
  update(object: T, options?: WriteOptions): Promise<T>;
  patch(key: ObjectKey, patch: unknown, options: WriteOptions & { type: PatchType; force?: boolean }): Promise<T>;
  delete(key: ObjectKey, options?: DeleteOptions & { signal?: AbortSignal }): Promise<void>;
  deleteCollection(options: ListOptions & { delete?: DeleteOptions }): Promise<void>;
  /** POST to a subresource with a body of another kind (binding, eviction, token). */
  post<R>(key: ObjectKey, subresource: string, body: unknown, options?: { signal?: AbortSignal }): Promise<R>;
}

export interface Client {
  resource<T extends KubernetesObject>(kind: KindRef<T>): ResourceClient<T>;
  /** A GET of anything that answers JSON: discovery, `/version`. `accept`: of the kinds of JSON, which. */
  getJson<R>(path: string, signal?: AbortSignal, accept?: string): Promise<R>;
  /** A DELETE of what is no object: behind a proxy. */
  deletePath(path: string, signal?: AbortSignal): Promise<void>;
}
