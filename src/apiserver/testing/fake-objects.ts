// An ObjectReader over a plain list, for tests of what reads other objects.
import { apiVersionOf, type KindRef, type KubernetesObject } from '../../api/meta/object.ts';
import type { ObjectIndex, ObjectReader } from '../registry/object-reader.ts';

export class FakeObjects implements ObjectReader {
  readonly #objects = new Map<string, KubernetesObject>();
  #changes = 0;

  constructor(...objects: readonly (readonly [KindRef<any>, object])[]) {
    for (const [kind, object] of objects) this.put(kind, object);
  }

  /** Metadata may be partial: tests say what matters to them. */
  put(kind: KindRef<any>, object: object): void {
    const stored = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object } as KubernetesObject;
    this.#objects.set(this.#key(kind, stored.metadata.namespace ?? '', stored.metadata.name ?? ''), stored);
    this.#changes++;
  }

  remove(kind: KindRef<any>, namespace: string, name: string): void {
    this.#objects.delete(this.#key(kind, namespace, name));
    this.#changes++;
  }

  find<T extends KubernetesObject>(kind: KindRef<T>, namespace: string, name: string): T | undefined {
    return this.#objects.get(this.#key(kind, namespace, name)) as T | undefined;
  }

  list<T extends KubernetesObject>(kind: KindRef<T>, namespace?: string): readonly T[] {
    const prefix = this.#key(kind, namespace ?? '', '');
    const start = namespace ? prefix : `${kind.group}/${kind.plural}/`;
    return [...this.#objects].filter(([key]) => key.startsWith(start)).map(([, object]) => object as T);
  }

  rows<T extends KubernetesObject, Row>(kind: KindRef<T>, index: ObjectIndex<T, Row>, key: string): readonly Row[] {
    return this.list(kind)
      .filter((object) => index.keyOf(object) === key)
      .map((object) => index.rowOf(object));
  }

  changedAt(): number {
    return this.#changes;
  }

  #key(kind: KindRef<any>, namespace: string, name: string): string {
    return `${kind.group}/${kind.plural}/${namespace}/${name}`;
  }
}
