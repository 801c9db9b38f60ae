// Values of expressions. int is a bigint, uint a CelUint, double a number; a string, a boolean and null are themselves.
import type { CelType } from './types.ts';

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

/** Values of libraries: quantities, addresses, URLs, authorizers. */
export abstract class CelOpaque {
  abstract readonly typeName: string;
  abstract equals(other: CelValue): boolean;
}

export abstract class CelList {
  abstract readonly size: number;
  abstract at(index: number): CelValue;
}

export abstract class CelMap {
  abstract readonly size: number;
  /** undefined: there is no such key. */
  abstract find(key: CelValue): CelValue | undefined;
  abstract keys(): Iterable<CelValue>;
}

/** A JSON value as an expression sees it: by its type where that is known, lazily below. */
export function fromJson(_value: unknown, _type?: CelType): CelValue {
  throw new Error('not built yet');
}

/** Back to JSON; timestamps and durations become text. */
export function toJson(_value: CelValue): unknown {
  throw new Error('not built yet');
}
