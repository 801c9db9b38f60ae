// Values of expressions. int is a bigint, uint a CelUint, double a number; a string, a boolean and null are themselves.
import { CelError } from './errors.ts';

export type CelValue =
  | null
  | boolean
  | bigint
  | CelUint
  | number
  | string
  | Uint8Array
  | CelList
  | CelMap
  | CelTimestamp
  | CelDuration
  | CelTypeValue
  | CelOptional
  | CelOpaque;

/** Errors are values within the evaluator: `||` and `&&` may absorb them. */
export type Outcome = CelValue | CelError;

export class CelUint {
  readonly value: bigint;
  constructor(value: bigint) {
    this.value = value;
  }
}

export class CelTimestamp {
  /** Nanoseconds since 1970. */
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

export class CelDuration {
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

/** A type as a value: `type(1) == int`. */
export class CelTypeValue {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

export class CelOptional {
  readonly value: CelValue | undefined;
  constructor(value: CelValue | undefined) {
    this.value = value;
  }
}

export const noValue = new CelOptional(undefined);

/** Values of libraries: quantities, addresses, URLs, authorizers. */
export abstract class CelOpaque {
  abstract readonly typeName: string;
  abstract equals(other: CelValue): boolean;
  /** As `size()` counts it for costs, where it has one. */
  get size(): number | undefined {
    return undefined;
  }
  /** What becomes of it in JSON; undefined: it has no such form. */
  toJson(): unknown {
    return undefined;
  }
}

export abstract class CelList {
  abstract readonly size: number;
  abstract at(index: number): Outcome;
}

export abstract class CelMap {
  abstract readonly size: number;
  /** undefined: there is no such key. */
  abstract find(key: CelValue): Outcome | undefined;
  abstract keys(): Iterable<CelValue>;
  /** What `in` says; a map may give a value for keys it does not have. */
  has(key: CelValue): boolean | CelError {
    const found = this.find(key);
    return found instanceof CelError ? found : found !== undefined;
  }
  /** Of objects that were made with a type's name. */
  get typeName(): string {
    return 'map';
  }
}

export class ArrayList extends CelList {
  readonly items: readonly CelValue[];
  constructor(items: readonly CelValue[]) {
    super();
    this.items = items;
  }
  get size(): number {
    return this.items.length;
  }
  at(index: number): Outcome {
    return this.items[index]!;
  }
}

/** Grows by one at a time as folds make lists; earlier values share the array with later ones. */
export class GrowingList extends CelList {
  readonly #items: CelValue[];
  readonly size: number;
  constructor(items: CelValue[], size: number) {
    super();
    this.#items = items;
    this.size = size;
  }
  at(index: number): Outcome {
    return this.#items[index]!;
  }
  with(item: CelValue): GrowingList {
    // Somebody else has grown the array past this list already: take what is ours.
    const items = this.#items.length === this.size ? this.#items : this.#items.slice(0, this.size);
    items.push(item);
    return new GrowingList(items, this.size + 1);
  }
}

/** One text a key; numbers of different types are one key when they are equal. */
export function keyText(key: CelValue): string | undefined {
  switch (typeof key) {
    case 'string':
      return `s${key}`;
    case 'bigint':
      return `n${key}`;
    case 'boolean':
      return `b${key}`;
    case 'number':
      return Number.isInteger(key) ? `n${BigInt(key)}` : undefined;
    default:
      return key instanceof CelUint ? `n${key.value}` : undefined;
  }
}

interface Entry {
  readonly key: CelValue;
  readonly value: CelValue;
  readonly index: number;
}

/** Grows by one at a time as lists do: an earlier map does not see what came later. */
export class EntryMap extends CelMap {
  readonly #entries: Map<string, Entry>;
  readonly #typeName: string;
  readonly size: number;
  constructor(entries: Map<string, Entry> = new Map(), size = entries.size, typeName = 'map') {
    super();
    this.#entries = entries;
    this.size = size;
    this.#typeName = typeName;
  }
  static of(pairs: Iterable<readonly [CelValue, CelValue]>, typeName?: string): EntryMap {
    const entries = new Map<string, Entry>();
    for (const [key, value] of pairs) entries.set(keyText(key)!, { key, value, index: entries.size });
    return new EntryMap(entries, entries.size, typeName);
  }
  override get typeName(): string {
    return this.#typeName;
  }
  find(key: CelValue): CelValue | undefined {
    const text = keyText(key);
    const entry = text === undefined ? undefined : this.#entries.get(text);
    return entry && entry.index < this.size ? entry.value : undefined;
  }
  *keys(): Iterable<CelValue> {
    for (const { key, index } of this.#entries.values()) if (index < this.size) yield key;
  }
  /** With one more key; undefined: it has that already, or it is no key. */
  with(key: CelValue, value: CelValue): EntryMap | undefined {
    const text = keyText(key);
    if (text === undefined || this.find(key) !== undefined) return undefined;
    let entries = this.#entries;
    if (entries.size !== this.size) entries = new Map([...entries].filter(([, { index }]) => index < this.size));
    entries.set(text, { key, value, index: this.size });
    return new EntryMap(entries, this.size + 1, this.#typeName);
  }
}

/** Each field is made when it is first read, and kept. */
class LazyObject extends CelMap {
  readonly #fields: Readonly<Record<string, () => Outcome>>;
  readonly #made = new Map<string, Outcome>();
  constructor(fields: Readonly<Record<string, () => Outcome>>) {
    super();
    this.#fields = fields;
  }
  get size(): number {
    return Object.keys(this.#fields).length;
  }
  find(key: CelValue): Outcome | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.#fields, key)) return undefined;
    let value = this.#made.get(key);
    if (value === undefined) {
      value = this.#fields[key]!();
      this.#made.set(key, value);
    }
    return value;
  }
  keys(): Iterable<CelValue> {
    return Object.keys(this.#fields);
  }
}

export const lazyObject = (fields: Readonly<Record<string, () => Outcome>>): CelMap => new LazyObject(fields);

/** The name of a value's type at run time. */
export function typeNameOf(value: Outcome): string {
  switch (typeof value) {
    case 'string':
      return 'string';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
  }
  if (value === null) return 'null_type';
  if (value instanceof CelMap) return value.typeName;
  if (value instanceof CelList) return 'list';
  if (value instanceof CelUint) return 'uint';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof CelTimestamp) return 'google.protobuf.Timestamp';
  if (value instanceof CelDuration) return 'google.protobuf.Duration';
  if (value instanceof CelTypeValue) return 'type';
  if (value instanceof CelOptional) return 'optional_type';
  if (value instanceof CelOpaque) return value.typeName;
  return 'error';
}
