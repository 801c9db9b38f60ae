// JSON as expressions see it: lazily, by type where that is known.
import { parseDuration as parseGoDuration } from '../time.ts';
import { CelError } from './errors.ts';
import { formatSeconds, formatTimestamp, parseDate, parseTimestamp } from './time-values.ts';
import type { CelType } from './types.ts';
import {
  ArrayList,
  CelDuration,
  CelList,
  CelMap,
  CelOpaque,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  type Outcome,
} from './value-types.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** A list of JSON values; lists that are sets or maps compare and add up as such. */
export class JsonList extends CelList {
  readonly raw: readonly unknown[];
  readonly type: CelType | undefined;
  constructor(raw: readonly unknown[], type: CelType | undefined) {
    super();
    this.raw = raw;
    this.type = type;
  }
  get size(): number {
    return this.raw.length;
  }
  at(index: number): Outcome {
    return convert(this.raw[index], this.type?.params[0]);
  }
  get listKind(): 'set' | 'map' | undefined {
    return this.type?.list?.kind;
  }
  /** What tells an item of a set or map apart from its neighbours. */
  keyOf(item: unknown): string {
    const { list } = this.type!;
    if (list!.kind === 'set') return JSON.stringify(item);
    return JSON.stringify(list!.keys.map((key) => (item as JsonObject | null)?.[key]));
  }
}

/** A JSON object: any key, or the fields of a type. */
export class JsonMap extends CelMap {
  readonly raw: JsonObject;
  readonly type: CelType | undefined;
  constructor(raw: JsonObject, type: CelType | undefined) {
    super();
    this.raw = raw;
    this.type = type;
  }
  get size(): number {
    return Object.keys(this.raw).length;
  }
  find(key: CelValue): Outcome | undefined {
    if (typeof key !== 'string') return undefined;
    if (this.type?.kind !== 'object') {
      return Object.hasOwn(this.raw, key) ? convert(this.raw[key], this.type?.params[1]) : undefined;
    }
    const field = this.type.field!(key);
    if (!field) return undefined;
    const name = field.key ?? key;
    // Null in a field that is known is as good as absent.
    const value = Object.hasOwn(this.raw, name) ? this.raw[name] : null;
    return value === null ? undefined : convert(value, field.type);
  }
  keys(): Iterable<CelValue> {
    if (this.type?.kind !== 'object') return Object.keys(this.raw);
    return this.#fields();
  }
  *#fields(): Iterable<string> {
    for (const name of this.type!.fieldNames!()) {
      const key = this.type!.field!(name)!.key ?? name;
      if (Object.hasOwn(this.raw, key) && this.raw[key] !== null) yield name;
    }
  }
}

/** How a text becomes a value that JSON has no form of its own for. */
const readers: Readonly<Record<string, (text: string, type: CelType) => Outcome>> = {
  timestamp: (text, type) => {
    const nanos = type.isDate ? parseDate(text) : parseTimestamp(text);
    return nanos === undefined
      ? new CelError(`Invalid ${type.isDate ? 'date' : 'date-time'} formatted string ${text}`)
      : new CelTimestamp(nanos);
  },
  duration: (text) => {
    try {
      return new CelDuration(parseGoDuration(text));
    } catch {
      return new CelError(`Invalid duration ${text}: unable to parse ${text} as duration`);
    }
  },
  bytes: (text) => new Uint8Array(Buffer.from(text, 'base64')),
};

function convertNumber(value: number | bigint, type: CelType | undefined): CelValue {
  if (type?.kind === 'double') return Number(value);
  if (typeof value === 'bigint') return value;
  return Number.isInteger(value) ? BigInt(value) : value;
}

export function convert(value: unknown, type: CelType | undefined): Outcome {
  switch (typeof value) {
    case 'string':
      return type && type.kind !== 'string' && Object.hasOwn(readers, type.kind)
        ? readers[type.kind]!(value, type)
        : value;
    case 'boolean':
      return value;
    case 'number':
    case 'bigint':
      return convertNumber(value, type);
  }
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return new JsonList(value, type?.kind === 'list' ? type : undefined);
  return new JsonMap(value as JsonObject, type?.kind === 'map' || type?.kind === 'object' ? type : undefined);
}

/** A JSON value as an expression sees it: by its type where that is known, lazily below. */
export function fromJson(value: unknown, type?: CelType): CelValue {
  const converted = convert(value, type);
  return converted instanceof CelError ? null : converted;
}

/** Sets and maps are merged: what both have keeps its place, and a map's item is the second's. */
export function mergeKeyedLists(one: JsonList, other: CelList): CelList {
  const merged = [...one.raw];
  const places = new Map(merged.map((item, index) => [one.keyOf(item), index]));
  for (let index = 0; index < other.size; index++) {
    const item = other instanceof JsonList ? other.raw[index] : toJson(other.at(index) as CelValue);
    const key = one.keyOf(item);
    const place = places.get(key);
    if (place === undefined) {
      places.set(key, merged.length);
      merged.push(item);
    } else if (one.listKind === 'map') merged[place] = item;
  }
  return new JsonList(merged, one.type);
}

export function concatenated(one: CelList, other: CelList): CelList {
  const items: CelValue[] = [];
  for (const list of [one, other]) {
    for (let index = 0; index < list.size; index++) items.push(list.at(index) as CelValue);
  }
  return new ArrayList(items);
}

/** Back to JSON; timestamps and durations become text, and what has no form there is left out. Not for endless depth. */
export function toJson(value: CelValue): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string' || typeof value === 'number')
    return value;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (value instanceof CelUint) return toJson(value.value);
  if (value instanceof JsonList || value instanceof JsonMap) return structuredClone(value.raw);
  if (value instanceof CelList) {
    return Array.from({ length: value.size }, (_, index) => toJson(value.at(index) as CelValue));
  }
  if (value instanceof CelMap) {
    const object: Record<string, unknown> = {};
    for (const key of value.keys()) {
      const member = toJson(value.find(key) as CelValue);
      Object.defineProperty(object, keyName(key), {
        value: member,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return object;
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof CelTimestamp) return formatTimestamp(value.nanos);
  if (value instanceof CelDuration) return formatSeconds(value.nanos);
  if (value instanceof CelOptional) return value.value === undefined ? null : toJson(value.value);
  if (value instanceof CelTypeValue) return value.name;
  return value instanceof CelOpaque ? value.toJson() : undefined;
}

const keyName = (key: CelValue): string => (key instanceof CelUint ? String(key.value) : String(key));
