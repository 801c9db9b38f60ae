// Quantities: `100m`, `1.5Gi`, `2e3`. Held exactly, as nano-units: upstream rounds anything finer up to those.

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

const nanosPerUnit = 1_000_000_000n;
const largestNanos = (2n ** 63n - 1n) * nanosPerUnit;

export const quantityShapeMessage =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const suffixMessage = "unable to parse quantity's suffix";
const numericMessage = 'unable to parse numeric part of quantity';

const decimalExponents: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

export class QuantityError extends Error {}

export class Quantity {
  readonly nanos: bigint;
  readonly format: QuantityFormat;

  constructor(nanos: bigint, format: QuantityFormat = 'DecimalSI') {
    this.nanos = nanos;
    this.format = format;
  }

  static zero = new Quantity(0n);

  /** Throws QuantityError with upstream's message. */
  static parse(text: string): Quantity {
    const [, sign = '', whole = '', fraction = '', suffix = ''] = splitQuantity(text);
    const { base, exponent, format } = readSuffix(suffix);
    let nanos = scaled(BigInt(`${whole}${fraction}` || '0'), fraction.length, base, exponent);
    if (nanos > largestNanos) nanos = largestNanos;
    return new Quantity(sign === '-' ? -nanos : nanos, format);
  }

  static ofUnits(units: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
    return new Quantity(BigInt(units) * nanosPerUnit, format);
  }

  static ofMillis(millis: number | bigint, format: QuantityFormat = 'DecimalSI'): Quantity {
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
    if (this.nanos === 0n) return '0';
    if (this.format === 'BinarySI') {
      const size = this.nanos < 0n ? -this.nanos : this.nanos;
      if (size >= 1024n * nanosPerUnit && this.isWhole) return binaryText(this.nanos / nanosPerUnit);
    }
    return decimalText(this.nanos, this.format === 'DecimalExponent');
  }
}

function splitQuantity(text: string): RegExpExecArray {
  if (text === '') throw new QuantityError(quantityShapeMessage);
  const match = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)$/.exec(text);
  if (!match)
    throw new QuantityError(
      /^[+-]?[0-9.]+[eEinumkKMGTP]*[-+]?[0-9]*$/.test(text) ? numericMessage : quantityShapeMessage,
    );
  if (!match[2] && match[3] === undefined) throw new QuantityError(numericMessage);
  return match;
}

function readSuffix(suffix: string): { base: 2 | 10; exponent: number; format: QuantityFormat } {
  const decimal = Object.hasOwn(decimalExponents, suffix) ? decimalExponents[suffix] : undefined;
  if (decimal !== undefined) return { base: 10, exponent: decimal, format: 'DecimalSI' };
  const binary = binarySuffixes.indexOf(suffix);
  if (binary > 0) return { base: 2, exponent: binary * 10, format: 'BinarySI' };
  const match = /^[eE]([-+]?[0-9]+)$/.exec(suffix);
  if (!match) throw new QuantityError(suffixMessage);
  return { base: 10, exponent: Number(match[1]), format: 'DecimalExponent' };
}

/** digits × 10^-places × base^exponent, in nano-units, rounded up. Exponents beyond reason are cut: the result is capped. */
function scaled(digits: bigint, places: number, base: 2 | 10, exponent: number): bigint {
  if (digits === 0n) return 0n;
  if (base === 2) return divideUp(digits * (1n << BigInt(exponent)) * nanosPerUnit, 10n ** BigInt(places));
  const power = exponent - places + 9;
  if (power >= 0) return digits * 10n ** BigInt(Math.min(power, 64));
  return divideUp(digits, 10n ** BigInt(Math.min(-power, 4096)));
}

function divideUp(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  if (value % by === 0n) return quotient;
  return value < 0n ? quotient - 1n : quotient + 1n;
}

function binaryText(units: bigint): string {
  let value = units;
  let suffix = 0;
  while (value % 1024n === 0n && suffix < 6) {
    value /= 1024n;
    suffix++;
  }
  return `${value}${binarySuffixes[suffix]}`;
}

function decimalText(nanos: bigint, isExponent: boolean): string {
  let value = nanos;
  let suffix = 0;
  while (value % 1000n === 0n && suffix < 9) {
    value /= 1000n;
    suffix++;
  }
  if (!isExponent) return `${value}${decimalSuffixes[suffix]}`;
  const exponent = suffix * 3 - 9;
  return exponent === 0 ? String(value) : `${value}e${exponent}`;
}

/** Lenient reading of what is stored: it was checked when it came in. */
export function quantityOf(value: string | number | undefined): Quantity {
  if (value === undefined || value === null || value === '') return Quantity.zero;
  return Quantity.parse(String(value));
}

/** The canonical text: `1000m` → `1`, `1.5Gi` → `1536Mi`. Throws QuantityError. */
export function canonicalQuantity(text: string): string {
  if (/^(0|[1-9][0-9]{0,2})$/.test(text)) return text;
  return Quantity.parse(text).toString();
}

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
