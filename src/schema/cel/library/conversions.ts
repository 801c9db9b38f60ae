// From one type to another, and sizes.
import { CelError } from '../errors.ts';
import type { Library } from '../overloads.ts';
import { codePoints } from '../parse-errors.ts';
import { formatSeconds, formatTimestamp, isSpan, isTime, parseTimestamp } from '../time-values.ts';
import {
  CelDuration,
  CelList,
  CelMap,
  CelTimestamp,
  CelTypeValue,
  CelUint,
  type CelValue,
  type Outcome,
  typeNameOf,
} from '../value-types.ts';
import { intOf, notSupported, uintOf } from './operators.ts';

const second = 1_000_000_000n;

/** As strconv prints a number with as few digits as tell it apart. */
export function doubleText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const [digits, exponentText] = value.toExponential().split('e') as [string, string];
  const exponent = Number(exponentText);
  if (value !== 0 && (exponent < -4 || exponent >= maxPlainExponent)) {
    return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Larger numbers are printed with an exponent. */
const maxPlainExponent = 6;

const notConverted = (to: string) => new CelError(`type conversion error from 'string' to '${to}'`);

function numberFrom(text: string): Outcome {
  const isPlain = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text);
  if (isPlain) {
    const value = Number(text);
    return Number.isFinite(value) ? value : notConverted('double');
  }
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (word) return word[2]!.toLowerCase() === 'nan' ? Number.NaN : word[1] === '-' ? -Infinity : Infinity;
  return notConverted('double');
}

function wholeFrom(text: string, unsigned: boolean): Outcome {
  const fails = notConverted(unsigned ? 'uint' : 'int');
  if (text.length > 64 || !(unsigned ? /^\d+$/ : /^[+-]?\d+$/).test(text)) return fails;
  const value = unsigned ? uintOf(BigInt(text)) : intOf(BigInt(text));
  return value instanceof CelError ? fails : value;
}

/** Doubles at the very ends of the range are refused, as rounding might have put them there. */
function wholeOf(value: number, unsigned: boolean): Outcome {
  const isOut = unsigned ? value < 0 || value >= 2 ** 64 : value <= -(2 ** 63) || value >= 2 ** 63;
  if (Number.isNaN(value) || isOut) return new CelError(unsigned ? 'unsigned integer overflow' : 'integer overflow');
  const whole = BigInt(Math.trunc(value));
  return unsigned ? new CelUint(whole) : whole;
}

const units: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: second,
  m: 60n * second,
  h: 3600n * second,
};

export function parseSpan(text: string): bigint | undefined {
  const sign = text.startsWith('-') ? -1n : 1n;
  const body = text.replace(/^[+-]/, '');
  if (body === '0') return 0n;
  if (body.length > 256 || !/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let total = 0n;
  for (const [, whole, fraction = '', unit] of body.matchAll(/(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/g)) {
    const scale = units[unit!]!;
    total += BigInt(whole || '0') * scale;
    if (fraction) total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  const span = sign * total;
  return BigInt.asIntN(64, span) === span ? span : undefined;
}

function spanFrom(text: string): Outcome {
  const nanos = parseSpan(text);
  if (nanos === undefined) return notConverted('google.protobuf.Duration');
  return isSpan(nanos) ? new CelDuration(nanos) : new CelError('range error converting string to duration');
}

function timeFrom(text: string): Outcome {
  const nanos = parseTimestamp(text);
  if (nanos === undefined) return notConverted('google.protobuf.Timestamp');
  return isTime(nanos) ? new CelTimestamp(nanos) : new CelError('timestamp overflow');
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const utf8 = new TextEncoder();

function textOfBytes(bytes: Uint8Array): Outcome {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return new CelError('invalid UTF-8 in bytes, cannot convert to string');
  }
}

function boolFrom(text: string): Outcome {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  return notConverted('bool');
}

/** What `size()` says; undefined: it has none. */
export function sizeOf(value: CelValue): number | undefined {
  if (typeof value === 'string') return codePoints(value);
  if (value instanceof CelList || value instanceof CelMap) return value.size;
  return value instanceof Uint8Array ? value.length : undefined;
}

const same = (value: CelValue) => value;

export const conversions: Library = {
  size: {
    run: (value: CelValue) => {
      const size = sizeOf(value);
      return size === undefined ? notSupported('size', [value]) : BigInt(size);
    },
    overloads: {
      size_bytes: '(bytes) -> int',
      bytes_size: 'bytes.() -> int',
      size_list: '(list(A)) -> int',
      list_size: 'list(A).() -> int',
      size_map: '(map(A, B)) -> int',
      map_size: 'map(A, B).() -> int',
      size_string: '(string) -> int',
      string_size: 'string.() -> int',
    },
  },
  type: {
    run: (value: CelValue) => new CelTypeValue(typeNameOf(value)),
    overloads: { type: '(A) -> type(A)' },
  },
  bool: { overloads: { bool_to_bool: ['(bool) -> bool', same], string_to_bool: ['(string) -> bool', boolFrom] } },
  bytes: {
    overloads: {
      bytes_to_bytes: ['(bytes) -> bytes', same],
      string_to_bytes: ['(string) -> bytes', (text: string) => utf8.encode(text)],
    },
  },
  double: {
    overloads: {
      double_to_double: ['(double) -> double', same],
      int64_to_double: ['(int) -> double', Number],
      string_to_double: ['(string) -> double', numberFrom],
      uint64_to_double: ['(uint) -> double', (value: CelUint) => Number(value.value)],
    },
  },
  duration: {
    overloads: {
      duration_to_duration: ['(duration) -> duration', same],
      int64_to_duration: ['(int) -> duration', (nanos: bigint) => new CelDuration(nanos)],
      string_to_duration: ['(string) -> duration', spanFrom],
    },
  },
  dyn: { run: same, overloads: { to_dyn: '(A) -> dyn' } },
  int: {
    overloads: {
      int64_to_int64: ['(int) -> int', same],
      double_to_int64: ['(double) -> int', (value: number) => wholeOf(value, false)],
      duration_to_int64: ['(duration) -> int', (value: CelDuration) => value.nanos],
      string_to_int64: ['(string) -> int', (text: string) => wholeFrom(text, false)],
      timestamp_to_int64: [
        '(timestamp) -> int',
        ({ nanos }: CelTimestamp) => (nanos - (((nanos % second) + second) % second)) / second,
      ],
      uint64_to_int64: ['(uint) -> int', (value: CelUint) => intOf(value.value)],
    },
  },
  string: {
    overloads: {
      string_to_string: ['(string) -> string', same],
      bool_to_string: ['(bool) -> string', String],
      bytes_to_string: ['(bytes) -> string', textOfBytes],
      double_to_string: ['(double) -> string', doubleText],
      duration_to_string: ['(duration) -> string', (value: CelDuration) => formatSeconds(value.nanos)],
      int64_to_string: ['(int) -> string', String],
      timestamp_to_string: ['(timestamp) -> string', (value: CelTimestamp) => formatTimestamp(value.nanos)],
      uint64_to_string: ['(uint) -> string', (value: CelUint) => String(value.value)],
    },
  },
  timestamp: {
    overloads: {
      timestamp_to_timestamp: ['(timestamp) -> timestamp', same],
      int64_to_timestamp: [
        '(int) -> timestamp',
        (seconds: bigint) =>
          isTime(seconds * second) ? new CelTimestamp(seconds * second) : new CelError('timestamp overflow'),
      ],
      string_to_timestamp: ['(string) -> timestamp', timeFrom],
    },
  },
  uint: {
    overloads: {
      uint64_to_uint64: ['(uint) -> uint', same],
      double_to_uint64: ['(double) -> uint', (value: number) => wholeOf(value, true)],
      int64_to_uint64: ['(int) -> uint', (value: bigint) => uintOf(value)],
      string_to_uint64: ['(string) -> uint', (text: string) => wholeFrom(text, true)],
    },
  },
};
