// One revision of one object, as the watch cache keeps it: the JSON as clients get it, and what is read out of it when
// somebody asks. Immutable; a change of the object makes a new entry.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { parseStored } from '../../base/big-integers.ts';
import type { Steps } from '../../base/turns.ts';
import { findMetadata, type MetadataRange, parseLabels, parseUnmanaged } from './metadata-range.ts';

const metadataMark = Buffer.from('"metadata":{');
const uidMark = Buffer.from('"uid":"');
const uidTail = 36 + 1;

const noLabels: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

export class Entry {
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  /** The whole object in the storage version, `resourceVersion` in it. */
  readonly json: Buffer;
  /** Where `"metadata"` starts: list items are printed without kind and apiVersion. */
  readonly itemStart: number;
  readonly #versionStart: number;
  readonly #versionEnd: number;
  /** Of `metadata` in `json`, found when it is first asked for. */
  #range: MetadataRange | undefined;
  #object: KubernetesObject | undefined;
  /** The same before it is frozen. */
  #parsed: KubernetesObject | undefined;
  #labels: Readonly<Record<string, string>> | undefined;
  /** A definition of custom resources may change what its objects are selected by: it has another storage then. */
  #labelledFor: ResourceInfo['storage'] | undefined;
  #fieldLabels: Readonly<Record<string, string>> | undefined;
  /** Encodings by format, made on demand: protobuf, other versions. */
  #encodings: Map<string, unknown> | undefined;

  /** `stored` is what the store keeps: canonical JSON without resourceVersion. */
  constructor(key: string, prefixLength: number, stored: Uint8Array, revision: number) {
    this.key = key;
    const tail = key.slice(prefixLength);
    const slash = tail.indexOf('/');
    this.namespace = slash < 0 ? '' : tail.slice(0, slash);
    this.name = slash < 0 ? tail : tail.slice(slash + 1);
    this.revision = revision;
    const source = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
    this.itemStart = source.indexOf(metadataMark);
    const uid = source.indexOf(uidMark, this.itemStart);
    // Revision 0: the object was never stored, and has no version to show.
    const text =
      revision === 0 ? '' : uid < 0 ? `"resourceVersion":"${revision}",` : `,"resourceVersion":"${revision}"`;
    this.#versionStart = uid < 0 ? this.itemStart + metadataMark.length : uid + uidMark.length + uidTail;
    this.#versionEnd = this.#versionStart + text.length;
    const json = Buffer.allocUnsafeSlow(source.length + text.length);
    source.copy(json, 0, 0, this.#versionStart);
    json.write(text, this.#versionStart, 'latin1');
    source.copy(json, this.#versionEnd, this.#versionStart);
    this.json = json;
  }

  /** The bytes as the store has them. */
  stored(): Buffer {
    return Buffer.concat([this.json.subarray(0, this.#versionStart), this.json.subarray(this.#versionEnd)]);
  }

  get storedLength(): number {
    return this.json.length - (this.#versionEnd - this.#versionStart);
  }

  /** Whether these are the bytes as the store has them. */
  isStoredAs(stored: Uint8Array): boolean {
    const { json } = this;
    if (stored.length !== this.storedLength) return false;
    return (
      json.compare(stored, 0, this.#versionStart, 0, this.#versionStart) === 0 &&
      json.compare(stored, this.#versionStart, stored.length, this.#versionEnd, json.length) === 0
    );
  }

  /** The same object stamped with another revision: what a deletion is announced with. */
  at(revision: number): Entry {
    return new Entry(this.key, this.key.length - this.#tailLength(), this.stored(), revision);
  }

  #tailLength(): number {
    return this.namespace ? this.namespace.length + 1 + this.name.length : this.name.length;
  }

  /** Parsed once, frozen. */
  get object(): KubernetesObject {
    this.#object ??= deepFreeze(this.#parsed ?? (parseStored(this.json) as KubernetesObject));
    this.#parsed = undefined;
    return this.#object;
  }

  /** What `object` does, in steps: of one with very many keys each takes a while. */
  *objectSteps(): Steps<KubernetesObject> {
    if (!this.#object && !this.#parsed) {
      this.#parsed = parseStored(this.json) as KubernetesObject;
      yield;
    }
    return this.object;
  }

  /** A mutable copy of its own. */
  copy(): KubernetesObject {
    return parseStored(this.json) as KubernetesObject;
  }

  /** For a look without keeping the object: large lists are filtered without holding every object in memory. */
  peek(): KubernetesObject {
    return this.#object ?? (parseStored(this.json) as KubernetesObject);
  }

  /** The same to look at: managedFields may be missing, and integers beyond 2^53 are rounded. */
  peekUnmanaged(): KubernetesObject {
    return this.#object ?? (parseUnmanaged(this.json, this.range) as KubernetesObject);
  }

  get range(): MetadataRange {
    this.#range ??= findMetadata(this.json, this.itemStart);
    return this.#range;
  }

  /** Metadata alone, a mutable copy. */
  metadata(): KubernetesObject['metadata'] {
    const { start, end } = this.range;
    return parseStored(this.json, start, end) as KubernetesObject['metadata'];
  }

  get labels(): Readonly<Record<string, string>> {
    this.#labels ??= (this.#object ? this.#object.metadata.labels : parseLabels(this.json, this.range)) ?? noLabels;
    return this.#labels;
  }

  /** What field selectors look at; the same for all versions of a resource. */
  fieldLabels(resource: ResourceInfo): Readonly<Record<string, string>> {
    if (this.#labelledFor !== resource.storage) {
      this.#labelledFor = resource.storage;
      this.#fieldLabels = resource.fieldLabels(resource.custom ? this.peek() : this.peekUnmanaged());
    }
    return this.#fieldLabels!;
  }

  /** There is a newer revision: what was made of this one is only made again for who resumes from before it. */
  retire(): void {
    this.#object = undefined;
    this.#parsed = undefined;
    this.#encodings = undefined;
  }

  /** What was made before. */
  encodingMade(format: string): Uint8Array | undefined {
    return this.#encodings?.get(format) as Uint8Array | undefined;
  }

  encoding(format: string, make: () => Uint8Array): Uint8Array {
    return this.memo(format, make);
  }

  /** Made once, and kept as long as this revision is. */
  memo<T>(key: string, make: () => T): T {
    this.#encodings ??= new Map();
    let made = this.#encodings.get(key) as T | undefined;
    if (made === undefined) {
      made = make();
      this.#encodings.set(key, made);
    }
    return made;
  }
}

/** Freezes a tree of plain objects, without recursion: the data came from a user. */
export function deepFreeze<T extends object>(root: T): T {
  const pending: object[] = [root];
  for (let next = pending.pop(); next; next = pending.pop()) {
    for (const key in next) {
      const child = (next as Record<string, unknown>)[key];
      if (typeof child === 'object' && child !== null && !Object.isFrozen(child)) pending.push(child);
    }
    Object.freeze(next);
  }
  return root;
}
