// The value functions that compiled canonicalizers call. Each takes a parsed JSON value and gives its canonical form,
// counts the keys it saw, and throws `irregular` for what only the exact (slow) decoder can explain.
import { canonicalQuantity } from './quantity.ts';
import { canonicalDuration, canonicalMicroTime, canonicalTime } from './time.ts';

/** Thrown without a stack: the exact decoder will find out what is wrong. */
export const irregular: unknown = Object.freeze({ name: 'irregular' });

export interface CanonicalContext {
  /** Keys of known fields and maps seen so far; less than the text holds means unknown or duplicate ones. */
  keys: number;
  /** The tree was parsed for this call: maps without work to do may be kept instead of copied. */
  readonly ownsTree: boolean;
  /** As it comes back from upstream's store, whose encoding can not tell an empty list or map from none. */
  readonly isStored?: boolean;
  /** Set when an empty list or map was kept, which the stored form would not have. */
  hasEmpty?: boolean;
}

export function int32(value: unknown): number {
  if (typeof value === 'number' && (value | 0) === value) return value | 0;
  throw irregular;
}

const maxInt64 = 9223372036854775807n;

export function int64(value: unknown): number | bigint {
  if (Number.isSafeInteger(value)) return (value as number) + 0;
  if (typeof value === 'bigint' && value <= maxInt64 && value >= -maxInt64 - 1n) {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  throw irregular;
}

export function double(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'bigint') return Number(value);
  throw irregular;
}

export function time(value: unknown): string | null {
  if (value === null) return null;
  if (typeof value !== 'string') throw irregular;
  return canonicalTime(value);
}

export function microtime(value: unknown): string | null {
  if (value === null) return null;
  if (typeof value !== 'string') throw irregular;
  return canonicalMicroTime(value);
}

export function duration(value: unknown): string {
  if (typeof value !== 'string') throw irregular;
  return canonicalDuration(value);
}

export function quantity(value: unknown): string {
  if (typeof value === 'string') return canonicalQuantity(value.trim());
  if (typeof value === 'number') return canonicalQuantity(String(value));
  if (typeof value === 'bigint') return canonicalQuantity(String(value));
  if (value === null) return '0';
  throw irregular;
}

export function intOrString(value: unknown): number | string {
  if (typeof value === 'string') return value;
  if (value === null) return 0;
  return int32(value);
}

const base64Text = /^[A-Za-z0-9+/]*={0,2}$/;

export function bytes(value: unknown): string {
  if (typeof value !== 'string') throw irregular;
  if (value.length % 4 !== 0 || !base64Text.test(value)) {
    // Go skips line breaks.
    const joined = value.replace(/[\r\n]/g, '');
    if (joined === value) throw irregular;
    return bytes(joined);
  }
  if (!value.endsWith('=')) return value;
  // The last group may carry bits that do not belong to any byte.
  const tail = value.slice(-4);
  return value.slice(0, -4) + Buffer.from(tail, 'base64').toString('base64');
}

/** Any JSON, as it is. Its keys are counted; nothing in it is unknown. */
export function raw(value: unknown, context: CanonicalContext): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const stack: object[] = [value];
  for (let item = stack.pop(); item; item = stack.pop()) {
    if (Array.isArray(item)) {
      for (const child of item) if (typeof child === 'object' && child !== null) stack.push(child);
    } else {
      for (const key of Object.keys(item)) {
        context.keys++;
        const child = (item as Record<string, unknown>)[key];
        if (typeof child === 'object' && child !== null) stack.push(child);
      }
    }
  }
  return context.ownsTree ? value : structuredClone(value);
}

export function hasKeys(value: object): boolean {
  for (const _ in value) return true;
  return false;
}

export function stringList(value: unknown): string[] {
  if (!Array.isArray(value)) throw irregular;
  const result = new Array<string>(value.length);
  for (let index = 0; index < value.length; index++) {
    const item = value[index];
    if (typeof item === 'string') result[index] = item;
    else if (item === null) result[index] = '';
    else throw irregular;
  }
  return result;
}

export function list(value: unknown, context: CanonicalContext, element: Element): unknown[] {
  if (!Array.isArray(value)) throw irregular;
  const result = new Array<unknown>(value.length);
  for (let index = 0; index < value.length; index++) result[index] = element(value[index], context);
  return result;
}

/** Sets a key that a user named. `__proto__` is a key like any other. */
export function setKey(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
  } else target[key] = value;
}

export type Element = (value: unknown, context: CanonicalContext) => unknown;

/** A map of strings: sorted by key, as Go prints it. */
export function stringMap(value: unknown, context: CanonicalContext): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw irregular;
  const source = value as Record<string, unknown>;
  const keys = Object.keys(source);
  context.keys += keys.length;
  let isReady = context.ownsTree;
  for (let index = 0; index < keys.length; index++) {
    const item = source[keys[index]!];
    if (typeof item !== 'string') {
      if (item !== null) throw irregular;
      isReady = false;
    }
    if (isReady && index > 0 && keys[index - 1]! > keys[index]!) isReady = false;
  }
  if (isReady) return source;
  const result: Record<string, unknown> = {};
  for (const key of keys.sort()) setKey(result, key, source[key] ?? '');
  return result;
}

export function map(value: unknown, context: CanonicalContext, element: Element): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw irregular;
  const source = value as Record<string, unknown>;
  const keys = Object.keys(source).sort();
  context.keys += keys.length;
  const result: Record<string, unknown> = {};
  for (const key of keys) setKey(result, key, element(source[key], context));
  return result;
}
