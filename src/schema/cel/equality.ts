// Whether two values are equal, and which comes first. Numbers compare across their types.
import { CelError } from './errors.ts';
import { takeStep } from './fuel.ts';
import { JsonList, JsonMap, toJson } from './json-values.ts';
import {
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

const isNumber = (value: unknown): value is bigint | number | CelUint =>
  typeof value === 'bigint' || typeof value === 'number' || value instanceof CelUint;

const plain = (value: bigint | number | CelUint): bigint | number => (value instanceof CelUint ? value.value : value);

/** Whole numbers are rounded as doubles are where they meet one; NaN: there is no order. */
function compareNumbers(one: bigint | number, other: bigint | number): number {
  const isMixed = typeof one !== typeof other;
  const [left, right] = isMixed ? [Number(one), Number(other)] : [one, other];
  if (left < right) return -1;
  if (left > right) return 1;
  return Number.isNaN(left) || Number.isNaN(right) ? Number.NaN : 0;
}

/** Of different types: never equal, and no error. */
export function equal(one: Outcome, other: Outcome): boolean {
  takeStep();
  if (one === other) return true;
  if (typeof one === 'string' || typeof one === 'boolean' || one === null || other === null) return false;
  if (isNumber(one)) return isNumber(other) && compareNumbers(plain(one), plain(other)) === 0;
  if (one instanceof CelList) return other instanceof CelList && equalLists(one, other);
  if (one instanceof CelMap) return other instanceof CelMap && equalMaps(one, other);
  if (one instanceof CelTimestamp) return other instanceof CelTimestamp && one.nanos === other.nanos;
  if (one instanceof CelDuration) return other instanceof CelDuration && one.nanos === other.nanos;
  if (one instanceof Uint8Array) return other instanceof Uint8Array && Buffer.compare(one, other) === 0;
  if (one instanceof CelTypeValue) return other instanceof CelTypeValue && one.name === other.name;
  if (one instanceof CelOptional) return other instanceof CelOptional && equalOptionals(one, other);
  return one instanceof CelOpaque && !(other instanceof CelError) && one.equals(other);
}

function equalOptionals(one: CelOptional, other: CelOptional): boolean {
  if (one.value === undefined || other.value === undefined) return one.value === other.value;
  return equal(one.value, other.value);
}

function equalLists(one: CelList, other: CelList): boolean {
  if (one instanceof JsonList) {
    if (other instanceof JsonList && one.raw === other.raw) return true;
    if (one.listKind) return equalKeyedLists(one, other);
  }
  if (one.size !== other.size) return false;
  for (let index = 0; index < one.size; index++) if (!equal(one.at(index), other.at(index))) return false;
  return true;
}

/** Lists that are sets, or maps by keys, are equal whatever their order is. */
function equalKeyedLists(one: JsonList, other: CelList): boolean {
  if (one.size !== other.size) return false;
  const items = new Map(one.raw.map((item, index) => [one.keyOf(item), index]));
  for (let index = 0; index < other.size; index++) {
    const item = other.at(index);
    if (item instanceof CelError) return false;
    const place = items.get(one.keyOf(other instanceof JsonList ? other.raw[index] : toJson(item)));
    if (place === undefined || !equal(one.at(place), item)) return false;
  }
  return true;
}

function equalMaps(one: CelMap, other: CelMap): boolean {
  if (one instanceof JsonMap && other instanceof JsonMap && one.raw === other.raw) return true;
  if (one.size !== other.size || one.typeName !== other.typeName) return false;
  for (const key of one.keys()) {
    const value = other.find(key);
    if (value === undefined || !equal(one.find(key)!, value)) return false;
  }
  return true;
}

/** Strings in the order of their code points. */
function compareText(one: string, other: string): number {
  if (one === other) return 0;
  const length = Math.min(one.length, other.length);
  let index = 0;
  while (index < length && one.charCodeAt(index) === other.charCodeAt(index)) index++;
  if (index === length) return one.length - other.length;
  const [left, right] = [one.charCodeAt(index), other.charCodeAt(index)];
  // Surrogates stand for what comes after all other units.
  const rank = (unit: number) => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit);
  return rank(left) - rank(right);
}

const noOverload = () => new CelError('no such overload');

/** Negative, zero or positive; an error where the two have no order. */
export function compare(one: CelValue, other: CelValue): number | CelError {
  if (isNumber(one) && isNumber(other)) {
    const order = compareNumbers(plain(one), plain(other));
    return Number.isNaN(order) ? new CelError('NaN values cannot be ordered') : order;
  }
  if (typeof one === 'string') return typeof other === 'string' ? compareText(one, other) : noOverload();
  if (typeof one === 'boolean') return typeof other === 'boolean' ? Number(one) - Number(other) : noOverload();
  if (one instanceof Uint8Array) return other instanceof Uint8Array ? Buffer.compare(one, other) : noOverload();
  if (one instanceof CelTimestamp && other instanceof CelTimestamp) return Number(sign(one.nanos - other.nanos));
  if (one instanceof CelDuration && other instanceof CelDuration) return Number(sign(one.nanos - other.nanos));
  return noOverload();
}

const sign = (value: bigint) => (value < 0n ? -1 : value > 0n ? 1 : 0);
