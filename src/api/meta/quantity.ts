// Quantities: `100m`, `1.5Gi`, `2e3`. Held exactly, as nano-units: upstream rounds anything finer up to those.

import { formatQuantity, type ParsedQuantity, parseQuantity } from '../../schema/quantity.ts';

export type QuantityFormat = ParsedQuantity['format'];

const nanosPerUnit = 1_000_000_000n;

/** Few texts are met again and again; quantities do not change. */
const parsed = new Map<string, Quantity>();
const maxParsed = 1000;

export class Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;

  constructor(nanos: bigint, format: QuantityFormat = 'decimal') {
    this.nanos = nanos;
    this.format = format;
  }

  static zero = new Quantity(0n);

  /** Throws with upstream's message. */
  static parse(text: string): Quantity {
    let known = parsed.get(text);
    if (!known) {
      const { nanos, format } = parseQuantity(text);
      known = new Quantity(nanos, format);
      if (parsed.size >= maxParsed) parsed.clear();
      parsed.set(text, known);
    }
    return known;
  }

  static ofUnits(units: number | bigint, format: QuantityFormat = 'decimal'): Quantity {
    return new Quantity(BigInt(units) * nanosPerUnit, format);
  }

  static ofMillis(millis: number | bigint, format: QuantityFormat = 'decimal'): Quantity {
    return new Quantity(BigInt(millis) * 1_000_000n, format);
  }

  get isZero(): boolean {
    return this.nanos === 0n;
  }

  get sign(): -1 | 0 | 1 {
    return this.nanos < 0n ? -1 : this.nanos > 0n ? 1 : 0;
  }

  /** Whole units, rounded up (away from zero). */
  get units(): bigint {
    return divideUp(this.nanos, nanosPerUnit);
  }

  /** Thousandths, rounded up (away from zero). */
  get millis(): bigint {
    return divideUp(this.nanos, 1_000_000n);
  }

  get isWhole(): boolean {
    return this.nanos % nanosPerUnit === 0n;
  }

  /** The format of the left one stays, unless it is zero. */
  plus(other: Quantity): Quantity {
    return new Quantity(this.nanos + other.nanos, this.isZero ? other.format : this.format);
  }

  minus(other: Quantity): Quantity {
    return new Quantity(this.nanos - other.nanos, this.isZero ? other.format : this.format);
  }

  compare(other: Quantity): -1 | 0 | 1 {
    return this.nanos < other.nanos ? -1 : this.nanos > other.nanos ? 1 : 0;
  }

  /** Canonical: the largest suffix that leaves no fraction. */
  toString(): string {
    return formatQuantity(this);
  }
}

function divideUp(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  if (value % by === 0n) return quotient;
  return value < 0n ? quotient - 1n : quotient + 1n;
}

/** Lenient reading of what is stored: it was checked when it came in. */
export function quantityOf(value: string | number | undefined): Quantity {
  if (value === undefined || value === null || value === '') return Quantity.zero;
  return Quantity.parse(String(value));
}

export { canonicalQuantity } from '../../schema/quantity.ts';

const quick = /^([0-9]{1,6})(m|k|M|G|Ki|Mi|Gi)?$/;
const quickMillis: Record<string, number> = {
  '': 1e3,
  m: 1,
  k: 1e6,
  M: 1e9,
  G: 1e12,
  Ki: 1024e3,
  Mi: 1048576e3,
  Gi: 1073741824e3,
};

/** Thousandths as a number, rounded up: for CPU, and wherever 2^53 is enough. */
export function millisOf(value: string | undefined): number {
  if (value === undefined) return 0;
  const match = quick.exec(value);
  const exact = match ? Number(match[1]) * quickMillis[match[2] ?? '']! : Number.MAX_VALUE;
  return exact <= Number.MAX_SAFE_INTEGER ? exact : Number(quantityOf(value).millis);
}

/** Whole units as a number, rounded up: bytes, counts. */
export function unitsOf(value: string | undefined): number {
  if (value === undefined) return 0;
  const match = quick.exec(value);
  if (match && match[2] !== 'm') return (Number(match[1]) * quickMillis[match[2] ?? '']!) / 1e3;
  return Number(quantityOf(value).units);
}
