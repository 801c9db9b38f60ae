// Authorizers and plugins are made before the server whose objects they read; they are given this.
import type { KindRef, KubernetesObject } from '../../api/meta/object.ts';
import type { ObjectIndex, ObjectReader } from './object-reader.ts';

export class LateObjects implements ObjectReader {
  #reader: ObjectReader | undefined;

  bind(reader: ObjectReader): void {
    this.#reader = reader;
  }

  get #bound(): ObjectReader {
    if (!this.#reader) throw new Error('objects were read before the server was made');
    return this.#reader;
  }

  find<T extends KubernetesObject>(kind: KindRef<T>, namespace: string, name: string): T | undefined {
    return this.#bound.find(kind, namespace, name);
  }

  list<T extends KubernetesObject>(kind: KindRef<T>, namespace?: string): readonly T[] {
    return this.#bound.list(kind, namespace);
  }

  rows<T extends KubernetesObject, Row>(kind: KindRef<T>, index: ObjectIndex<T, Row>, key: string): readonly Row[] {
    return this.#bound.rows(kind, index, key);
  }

  changedAt(kind: KindRef<any>): number {
    return this.#bound.changedAt(kind);
  }
}
