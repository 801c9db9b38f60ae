// Reading parts of values, with and without knowing that they are there.
import { CelError } from './errors.ts';
import type { Step } from './frame.ts';
import { findAt, keyPrinted, noSuchOverload } from './library/operators.ts';
import { CelList, CelMap, CelOptional, type CelValue, keyText, noValue, type Outcome } from './value-types.ts';

export const isKey = (key: CelValue): boolean => keyText(key) !== undefined;
export const notOptional = (what: string, value: CelValue) =>
  new CelError(`cannot initialize ${what} from non-optional value ${keyPrinted(value)}`);

export function partOf(value: CelValue, key: CelValue): Outcome {
  if (value instanceof CelMap || value instanceof CelList) {
    const found = findAt(value, key);
    if (found !== undefined) return found;
    if (value instanceof CelList) return new CelError(`index out of bounds: ${keyPrinted(key)}`);
  }
  return new CelError(`no such key: ${keyPrinted(key)}`);
}

export function optionalPart({ value }: CelOptional, key: CelValue): Outcome {
  if (value === undefined) return noValue;
  if (!(value instanceof CelMap || value instanceof CelList)) {
    return value === null ? noValue : new CelError(`no such key: ${keyPrinted(key)}`);
  }
  const found = findAt(value, key);
  if (found instanceof CelError) return found;
  return found === undefined ? noValue : new CelOptional(found);
}

export function hasField(value: CelValue, field: string): Outcome {
  if (value instanceof CelOptional) {
    const part = optionalPart(value, field);
    return part instanceof CelOptional ? part.value !== undefined : part;
  }
  if (!(value instanceof CelMap)) return value === null ? false : new CelError(`no such key: ${field}`);
  const found = value.find(field);
  return found instanceof CelError ? found : found !== undefined;
}

/** What the one side says decides, where it can: errors of the other do not matter then. */
export function logical(left: Step, right: Step, decisive: boolean): Step {
  return (frame) => {
    const one = left(frame);
    if (one === decisive) return decisive;
    const other = right(frame);
    if (other === decisive) return decisive;
    if (typeof one === 'boolean' && typeof other === 'boolean') return !decisive;
    if (one instanceof CelError) return one;
    if (typeof one !== 'boolean') return noSuchOverload();
    return other instanceof CelError ? other : noSuchOverload();
  };
}

export function optionalOr(left: Step, right: Step, unwraps: boolean): Step {
  return (frame) => {
    const one = left(frame);
    if (!(one instanceof CelOptional)) return one instanceof CelError ? one : noSuchOverload();
    if (one.value === undefined) return right(frame);
    return unwraps ? one.value : one;
  };
}
