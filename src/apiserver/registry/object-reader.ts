import type { KindRef, KubernetesObject } from '../../api/meta/object.ts';

/** What objects of a kind are looked up by. The caches keep it while objects change; pass the same one each time. */
export interface ObjectIndex<T, Row> {
  /** Unique among the kind's. The name of a selectable field shares that field's index. */
  readonly name: string;
  keyOf(object: T): string;
  /** What lookups give; remembered for each revision that was looked up, so keep it small. */
  rowOf(object: T): Row;
}

/** Reads of other objects from inside the server: from the watch caches, as fresh as the last acknowledged write. Frozen. */
export interface ObjectReader {
  /** `namespace` is '' for cluster-scoped kinds. The ref names the storage version. */
  find<T extends KubernetesObject>(kind: KindRef<T>, namespace: string, name: string): T | undefined;
  /** All, or one namespace's. */
  list<T extends KubernetesObject>(kind: KindRef<T>, namespace?: string): readonly T[];
  /** Rows of the objects whose key is this one, in no order. Looks at no others. */
  rows<T extends KubernetesObject, Row>(kind: KindRef<T>, index: ObjectIndex<T, Row>, key: string): readonly Row[];
  /** Revision of the last change to any object of the kind: an index made of them is good for as long as it stays the same. */
  changedAt(kind: KindRef<any>): number;
}
