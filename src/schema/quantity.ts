// Quantities ("100m", "1.5Gi") in the one form that Go prints. Values are counted in billionths, as upstream does.

export const quantityFormatError =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const numericError = 'unable to parse numeric part of quantity';
const suffixError = "unable to parse quantity's suffix";

const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const nano = 1_000_000_000n;
const largest = 9223372036854775807n * nano;

/** Small whole numbers with any suffix are canonical already: most quantities people write. */
const alreadyCanonical = /^[1-9][0-9]{0,2}(?:[numkMGTPE]|[KMGTPE]i)?$/;
const shape = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([eE])([-+]?[0-9]+)|([inumkKMGTPE]*))$/;

export interface ParsedQuantity {
  /** In billionths, rounded away from zero. */
  readonly nanos: bigint;
  readonly format: 'decimal' | 'binary' | 'exponent';
}

function divideAwayFromZero(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  if (value % divisor === 0n) return quotient;
  return value < 0n ? quotient - 1n : quotient + 1n;
}

/** Throws an Error with upstream's text when `text` is no quantity. */
export function parseQuantity(text: string): ParsedQuantity {
  // Digits beyond these bounds cannot matter, and BigInt would take long to read them.
  const match = text.length <= 256 ? shape.exec(text) : null;
  if (!match) throw new Error(quantityFormatError);
  const [, sign, whole = '', fraction = '', e, exponentText, suffix = ''] = match;
  if (whole === '' && fraction === '') throw new Error(text === '' ? quantityFormatError : numericError);
  let mantissa = BigInt(whole + fraction);
  if (sign === '-') mantissa = -mantissa;
  let exponent = -fraction.length;
  let format: ParsedQuantity['format'] = 'decimal';
  let binaryPower = 0;
  if (e) {
    format = 'exponent';
    exponent += Math.max(-1000, Math.min(1000, Number(exponentText)));
  } else if (suffix.endsWith('i')) {
    format = 'binary';
    binaryPower = binarySuffixes.indexOf(suffix);
    if (binaryPower < 1) throw new Error(suffixError);
  } else {
    const index = decimalSuffixes.indexOf(suffix);
    if (index < 0) throw new Error(suffixError);
    exponent += (index - 3) * 3;
  }
  mantissa *= 1024n ** BigInt(binaryPower);
  exponent += 9;
  let nanos =
    exponent >= 0 ? mantissa * 10n ** BigInt(exponent) : divideAwayFromZero(mantissa, 10n ** BigInt(-exponent));
  if (nanos > largest) nanos = largest;
  if (nanos < -largest) nanos = -largest;
  return { nanos, format };
}

/** The canonical text of a parsed quantity. */
export function formatQuantity({ nanos, format }: ParsedQuantity): string {
  if (nanos === 0n) return '0';
  const magnitude = nanos < 0n ? -nanos : nanos;
  // A binary amount with a fraction is shown in decimal: nothing is rounded away.
  if (format === 'binary' && magnitude >= 1024n * nano && nanos % nano === 0n) {
    let value = nanos / nano;
    let power = 0;
    while (power < 6 && value % 1024n === 0n) {
      value /= 1024n;
      power++;
    }
    return `${value}${binarySuffixes[power]}`;
  }
  let value = nanos;
  let step = 0;
  while (step < 9 && value % 1000n === 0n) {
    value /= 1000n;
    step++;
  }
  if (format !== 'exponent') return `${value}${decimalSuffixes[step]}`;
  return step === 3 ? `${value}` : `${value}e${(step - 3) * 3}`;
}

/** The form in which Go prints the quantity. Throws an Error with upstream's text when it is none. */
export function canonicalQuantity(text: string): string {
  if (alreadyCanonical.test(text)) return text;
  return formatQuantity(parseQuantity(text));
}
