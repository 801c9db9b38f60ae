// Arithmetic, comparison, containers: what has a sign. Types are looked at when it runs, since they may be dynamic.
import { compare, equal } from '../equality.ts';
import { CelError } from '../errors.ts';
import { checkSize } from '../fuel.ts';
import { concatenated, JsonList, mergeKeyedLists } from '../json-values.ts';
import type { Library } from '../overloads.ts';
import { isSpan, isTime } from '../time-values.ts';
import {
  CelDuration,
  CelList,
  CelMap,
  CelTimestamp,
  CelUint,
  type CelValue,
  type EntryMap,
  type Outcome,
  typeNameOf,
} from '../value-types.ts';

const minInt = -(1n << 63n);
const maxInt = (1n << 63n) - 1n;
const maxUint = (1n << 64n) - 1n;

export const noSuchOverload = (): CelError => new CelError('no such overload');
/** No implementation takes these values. */
export const noOverloadFor = (name: string, args: readonly CelValue[]): CelError =>
  new CelError(`no such overload: ${name}(${args.map(typeNameOf).join(', ')})`);

/** As `noOverloadFor`, of functions that have one implementation for all values. */
export function notSupported(name: string, [first]: readonly CelValue[]): CelError {
  const hasMethods = typeof first === 'string' || first instanceof CelTimestamp || first instanceof CelDuration;
  return hasMethods ? noSuchOverload() : new CelError(`no such overload: ${name}`);
}

export const intOf = (value: bigint): Outcome =>
  value < minInt || value > maxInt ? new CelError('integer overflow') : value;
export const uintOf = (value: bigint): Outcome =>
  value < 0n || value > maxUint ? new CelError('unsigned integer overflow') : new CelUint(value);
const timeOf = (nanos: bigint): Outcome =>
  isTime(nanos) ? new CelTimestamp(nanos) : new CelError('timestamp overflow');
const spanOf = (nanos: bigint): Outcome => (isSpan(nanos) ? new CelDuration(nanos) : new CelError('duration overflow'));

interface Arithmetic {
  readonly int: (one: bigint, other: bigint) => Outcome;
  readonly uint: (one: bigint, other: bigint) => Outcome;
  readonly double?: (one: number, other: number) => number;
}

const arithmetic =
  (name: string, { int, uint, double }: Arithmetic) =>
  (one: CelValue, other: CelValue): Outcome => {
    if (typeof one === 'bigint') return typeof other === 'bigint' ? int(one, other) : noSuchOverload();
    if (typeof one === 'number' && double) return typeof other === 'number' ? double(one, other) : noSuchOverload();
    if (one instanceof CelUint) return other instanceof CelUint ? uint(one.value, other.value) : noSuchOverload();
    return notSupported(name, [one, other]);
  };

const addNumbers = arithmetic('_+_', {
  int: (one, other) => intOf(one + other),
  uint: (one, other) => uintOf(one + other),
  double: (one, other) => one + other,
});
const subtractNumbers = arithmetic('_-_', {
  int: (one, other) => intOf(one - other),
  uint: (one, other) => uintOf(one - other),
  double: (one, other) => one - other,
});

export function addLists(one: CelList, other: CelList): CelList {
  if (one.size === 0 && !(one instanceof JsonList)) return other;
  if (one instanceof JsonList && one.listKind) return mergeKeyedLists(one, other);
  return concatenated(one, other);
}

function addTexts(one: string, other: string): string {
  checkSize(one.length + other.length);
  return one + other;
}

export function add(one: CelValue, other: CelValue): Outcome {
  if (typeof one === 'string') return typeof other === 'string' ? addTexts(one, other) : noSuchOverload();
  if (one instanceof CelList) return other instanceof CelList ? addLists(one, other) : noSuchOverload();
  if (one instanceof CelTimestamp) {
    return other instanceof CelDuration ? timeOf(one.nanos + other.nanos) : noSuchOverload();
  }
  if (one instanceof CelDuration) {
    if (other instanceof CelDuration) return spanOf(one.nanos + other.nanos);
    return other instanceof CelTimestamp ? timeOf(one.nanos + other.nanos) : noSuchOverload();
  }
  if (one instanceof Uint8Array) {
    return other instanceof Uint8Array ? new Uint8Array(Buffer.concat([one, other])) : noSuchOverload();
  }
  return addNumbers(one, other);
}

function subtract(one: CelValue, other: CelValue): Outcome {
  if (one instanceof CelTimestamp) {
    if (other instanceof CelTimestamp) return spanOf(one.nanos - other.nanos);
    return other instanceof CelDuration ? timeOf(one.nanos - other.nanos) : noSuchOverload();
  }
  if (one instanceof CelDuration) {
    return other instanceof CelDuration ? spanOf(one.nanos - other.nanos) : noSuchOverload();
  }
  return subtractNumbers(one, other);
}

const divide = (one: bigint, other: bigint, of: (value: bigint) => Outcome) =>
  other === 0n ? new CelError('division by zero') : of(one / other);
const modulo = (one: bigint, other: bigint, of: (value: bigint) => Outcome) =>
  other === 0n ? new CelError('modulus by zero') : of(one % other);

const comparing =
  (name: string, holds: (order: number) => boolean) =>
  (one: CelValue, other: CelValue): Outcome => {
    const order = compare(one, other);
    if (typeof order === 'number') return holds(order);
    return isComparable(one) ? order : notSupported(name, [one, other]);
  };

const isComparable = (value: CelValue): boolean =>
  value !== null &&
  (typeof value !== 'object' ||
    value instanceof CelUint ||
    value instanceof Uint8Array ||
    value instanceof CelTimestamp ||
    value instanceof CelDuration);

const ordered = ['bool', 'int', 'uint', 'double', 'string', 'bytes', 'timestamp', 'duration'];
const crossed = ['int, double', 'int, uint', 'uint, double', 'uint, int', 'double, int', 'double, uint'];

/** `less_int64_double` and so on. */
function comparison(word: string, run: (one: CelValue, other: CelValue) => Outcome) {
  const name = (type: string) => ({ int: 'int64', uint: 'uint64' })[type] ?? type;
  const pairs = [...ordered.map((type) => `${type}, ${type}`), ...crossed];
  const overloads = pairs.map((pair) => {
    const [one, other] = pair.split(', ') as [string, string];
    return [one === other ? `${word}_${name(one)}` : `${word}_${name(one)}_${name(other)}`, `(${pair}) -> bool`];
  });
  return { run, overloads: Object.fromEntries(overloads) as Record<string, string> };
}

/** A list's index from a number that may be any type. */
function indexFrom(index: CelValue): number | CelError {
  if (typeof index === 'bigint') return Number(index);
  if (index instanceof CelUint) return Number(index.value);
  if (typeof index === 'number') {
    return Number.isInteger(index) ? index : new CelError(`unsupported index value ${index} in list`);
  }
  return new CelError(`unsupported index type '${typeNameOf(index)}' in list`);
}

/** undefined: nothing is there. */
export function findAt(container: CelValue, key: CelValue): Outcome | undefined {
  if (container instanceof CelMap) return container.find(key);
  if (!(container instanceof CelList)) return noSuchOverload();
  const index = indexFrom(key);
  if (index instanceof CelError) return index;
  return index >= 0 && index < container.size ? container.at(index) : undefined;
}

export function isIn(item: CelValue, container: CelValue): Outcome {
  if (container instanceof CelMap) return container.has(item);
  if (!(container instanceof CelList)) return noSuchOverload();
  for (let index = 0; index < container.size; index++) if (equal(container.at(index), item)) return true;
  return false;
}

export function keyPrinted(key: CelValue): string {
  if (key instanceof CelUint) return `${key.value}`;
  return typeof key === 'object' ? typeNameOf(key) : String(key);
}

function insert(map: CelMap, key: CelValue, value: CelValue): Outcome {
  return (map as EntryMap).with(key, value) ?? new CelError(`insert failed: key ${keyPrinted(key)} already exists`);
}

function insertAll(map: CelMap, added: CelMap): Outcome {
  let all: Outcome = map;
  for (const key of added.keys()) {
    all = insert(all as CelMap, key, added.find(key) as CelValue);
    if (all instanceof CelError) return all;
  }
  return all;
}

export const operators: Library = {
  '_?_:_': { overloads: { conditional: '(bool, A, A) -> A' } },
  '_&&_': { overloads: { logical_and: '(bool, bool) -> bool' } },
  '_||_': { overloads: { logical_or: '(bool, bool) -> bool' } },
  '!_': {
    run: (value: CelValue) => (typeof value === 'boolean' ? !value : noSuchOverload()),
    overloads: { logical_not: '(bool) -> bool' },
  },
  '@not_strictly_false': { overloads: { not_strictly_false: '(bool) -> bool' } },
  '_==_': { run: equal, overloads: { equals: '(A, A) -> bool' } },
  '_!=_': { run: (one, other) => !equal(one, other), overloads: { not_equals: '(A, A) -> bool' } },
  '_+_': {
    run: add,
    overloads: {
      add_bytes: '(bytes, bytes) -> bytes',
      add_double: '(double, double) -> double',
      add_duration_duration: '(duration, duration) -> duration',
      add_duration_timestamp: '(duration, timestamp) -> timestamp',
      add_timestamp_duration: '(timestamp, duration) -> timestamp',
      add_int64: '(int, int) -> int',
      add_list: '(list(A), list(A)) -> list(A)',
      add_string: '(string, string) -> string',
      add_uint64: '(uint, uint) -> uint',
    },
  },
  '_-_': {
    run: subtract,
    overloads: {
      subtract_double: '(double, double) -> double',
      subtract_duration_duration: '(duration, duration) -> duration',
      subtract_int64: '(int, int) -> int',
      subtract_timestamp_duration: '(timestamp, duration) -> timestamp',
      subtract_timestamp_timestamp: '(timestamp, timestamp) -> duration',
      subtract_uint64: '(uint, uint) -> uint',
    },
  },
  '_*_': {
    run: arithmetic('_*_', {
      int: (one, other) => intOf(one * other),
      uint: (one, other) => uintOf(one * other),
      double: (one, other) => one * other,
    }),
    overloads: {
      multiply_double: '(double, double) -> double',
      multiply_int64: '(int, int) -> int',
      multiply_uint64: '(uint, uint) -> uint',
    },
  },
  '_/_': {
    run: arithmetic('_/_', {
      int: (one, other) => divide(one, other, intOf),
      uint: (one, other) => divide(one, other, uintOf),
      double: (one, other) => one / other,
    }),
    overloads: {
      divide_double: '(double, double) -> double',
      divide_int64: '(int, int) -> int',
      divide_uint64: '(uint, uint) -> uint',
    },
  },
  '_%_': {
    run: arithmetic('_%_', {
      // The one quotient that does not fit is an overflow here too.
      int: (one, other) => (one === minInt && other === -1n ? intOf(maxInt + 1n) : modulo(one, other, intOf)),
      uint: (one, other) => modulo(one, other, uintOf),
    }),
    overloads: { modulo_int64: '(int, int) -> int', modulo_uint64: '(uint, uint) -> uint' },
  },
  '-_': {
    run: (value: CelValue) => {
      if (typeof value === 'bigint') return intOf(-value);
      if (typeof value === 'number') return -value;
      return typeof value === 'boolean' ? noSuchOverload() : notSupported('-_', [value]);
    },
    overloads: { negate_double: '(double) -> double', negate_int64: '(int) -> int' },
  },
  '_<_': comparison(
    'less',
    comparing('_<_', (order) => order < 0),
  ),
  '_<=_': comparison(
    'less_equals',
    comparing('_<=_', (order) => order <= 0),
  ),
  '_>_': comparison(
    'greater',
    comparing('_>_', (order) => order > 0),
  ),
  '_>=_': comparison(
    'greater_equals',
    comparing('_>=_', (order) => order >= 0),
  ),
  '_[_]': {
    overloads: {
      index_list: '(list(A), int) -> A',
      index_map: '(map(A, B), A) -> B',
      optional_list_index_int: '(optional(list(A)), int) -> optional(A)',
      optional_map_index_value: '(optional(map(A, B)), A) -> optional(B)',
    },
  },
  '_[?_]': {
    overloads: {
      list_optindex_optional_int: '(list(A), int) -> optional(A)',
      optional_list_optindex_optional_int: '(optional(list(A)), int) -> optional(A)',
      map_optindex_optional_value: '(map(A, B), A) -> optional(B)',
      optional_map_optindex_optional_value: '(optional(map(A, B)), A) -> optional(B)',
    },
  },
  '_?._': { overloads: { select_optional_field: '(dyn, string) -> optional(A)' } },
  '@in': { run: isIn, overloads: { in_list: '(A, list(A)) -> bool', in_map: '(A, map(A, B)) -> bool' } },
  'cel.@mapInsert': {
    overloads: {
      '@mapInsert_map_key_value': ['(map(A, B), A, B) -> map(A, B)', insert],
      '@mapInsert_map_map': ['(map(A, B), map(A, B)) -> map(A, B)', insertAll],
    },
  },
};
