import type { KindRef, KubernetesObject } from '../../api/meta/object.ts';

/** Reads of other objects from inside the server: from the watch caches, as fresh as the last acknowledged write. Frozen. */
export interface ObjectReader {
  /** `namespace` is '' for cluster-scoped kinds. The ref names the storage version. */
  find<T extends KubernetesObject>(kind: KindRef<T>, namespace: string, name: string): T | undefined;
  /** All, or one namespace's. */
  list<T extends KubernetesObject>(kind: KindRef<T>, namespace?: string): readonly T[];
  /** Revision of the last change to any object of the kind: an index made of them is good for as long as it stays the same. */
  changedAt(kind: KindRef<any>): number;
}
