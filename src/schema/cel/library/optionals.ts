// Values that may be absent.
import { CelError } from '../errors.ts';
import type { Library } from '../overloads.ts';
import { firstTime } from '../time-values.ts';
import {
  ArrayList,
  CelDuration,
  CelList,
  CelMap,
  CelOptional,
  CelTimestamp,
  CelUint,
  type CelValue,
  noValue,
  type Outcome,
} from '../value-types.ts';

function isZero(value: CelValue): boolean {
  if (value === null || value === false || value === '' || value === 0 || value === 0n) return true;
  if (value instanceof CelList || value instanceof CelMap) return value.size === 0;
  if (value instanceof CelUint) return value.value === 0n;
  if (value instanceof CelDuration) return value.nanos === 0n;
  if (value instanceof CelTimestamp) return value.nanos === firstTime;
  if (value instanceof CelOptional) return value.value === undefined || isZero(value.value);
  return value instanceof Uint8Array && value.length === 0;
}

function unwrap(list: CelList): Outcome {
  const values: CelValue[] = [];
  for (let index = 0; index < list.size; index++) {
    const item = list.at(index);
    if (!(item instanceof CelOptional)) return new CelError(`value ${String(item)} is not optional`);
    if (item.value !== undefined) values.push(item.value);
  }
  return new ArrayList(values);
}

export const optionals: Library = {
  'optional.of': { overloads: { optional_of: ['(A) -> optional(A)', (value: CelValue) => new CelOptional(value)] } },
  'optional.ofNonZeroValue': {
    overloads: {
      optional_ofNonZeroValue: [
        '(A) -> optional(A)',
        (value: CelValue) => (isZero(value) ? noValue : new CelOptional(value)),
      ],
    },
  },
  'optional.none': { overloads: { optional_none: ['() -> optional(A)', () => noValue] } },
  value: {
    overloads: {
      optional_value: [
        'optional(A).() -> A',
        ({ value }: CelOptional) => (value === undefined ? new CelError('optional.none() dereference') : value),
      ],
    },
  },
  hasValue: {
    overloads: { optional_hasValue: ['optional(A).() -> bool', ({ value }: CelOptional) => value !== undefined] },
  },
  // The evaluator looks at the left side before it asks for the right one.
  or: { overloads: { optional_or_optional: 'optional(A).(optional(A)) -> optional(A)' } },
  orValue: { overloads: { optional_orValue_value: 'optional(A).(A) -> A' } },
  'optional.unwrap': { overloads: { optional_unwrap: ['(list(optional(A))) -> list(A)', unwrap] } },
  unwrapOpt: { overloads: { optional_unwrapOpt: ['list(optional(A)).() -> list(A)', unwrap] } },
};
