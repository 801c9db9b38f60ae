// Whether a value is of a type, as far as that is to be seen without walking through it.
import type { CelType } from './types.ts';
import {
  CelDuration,
  CelList,
  CelMap,
  CelOptional,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  typeNameOf,
} from './value-types.ts';

export type Matcher = (value: CelValue) => boolean;

const simple: Partial<Record<CelType['kind'], Matcher>> = {
  bool: (value) => typeof value === 'boolean',
  int: (value) => typeof value === 'bigint',
  uint: (value) => value instanceof CelUint,
  double: (value) => typeof value === 'number',
  string: (value) => typeof value === 'string',
  bytes: (value) => value instanceof Uint8Array,
  timestamp: (value) => value instanceof CelTimestamp,
  duration: (value) => value instanceof CelDuration,
  null: (value) => value === null,
  type: (value) => value instanceof CelTypeValue,
  dyn: () => true,
  param: () => true,
};

export function matcherOf(type: CelType): Matcher {
  const known = simple[type.kind];
  if (known) return known;
  if (type.kind === 'list') {
    const item = matcherOf(type.params[0]!);
    return (value) => value instanceof CelList && (value.size === 0 || item(value.at(0) as CelValue));
  }
  if (type.kind === 'map') return (value) => value instanceof CelMap;
  if (type.name === 'optional_type') {
    const inner = matcherOf(type.params[0]!);
    return (value) => value instanceof CelOptional && (value.value === undefined || inner(value.value));
  }
  return (value) => typeNameOf(value) === type.name;
}
