// `"%s is %d".format([…])`: what is printed for each clause.
import { CelError } from '../errors.ts';
import { checkSize } from '../fuel.ts';
import { formatSeconds, formatTimestamp } from '../time-values.ts';
import { type CelType, isDynamic } from '../types.ts';
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
import { doubleText } from './conversions.ts';

class FormatProblem extends Error {}

const fail = (message: string): never => {
  throw new FormatProblem(message);
};

const quoted = (text: string) => JSON.stringify(text);

/** Within lists and maps: as a literal. */
function member(value: CelValue, depth: number): string {
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Uint8Array) return `b${quoted(Buffer.from(value).toString())}`;
  if (value instanceof CelTimestamp) return `timestamp(${quoted(formatTimestamp(value.nanos))})`;
  if (value instanceof CelDuration) return `duration(${quoted(formatSeconds(value.nanos))})`;
  if (typeof value === 'number') return Number.isFinite(value) ? value.toFixed(6) : quoted(doubleText(value));
  return text(value, depth + 1, (name) => `no formatting function for ${name}`);
}

const stringClause = (name: string) =>
  `error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${name}`;

export function text(value: CelValue, depth = 0, unknown: (name: string) => string = stringClause): string {
  if (depth > 100) fail('value is nested too deeply');
  if (value === null) return 'null';
  if (typeof value === 'number') return doubleText(value);
  if (typeof value !== 'object') return String(value);
  if (value instanceof CelUint) return String(value.value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (value instanceof CelTimestamp) return formatTimestamp(value.nanos);
  if (value instanceof CelDuration) return formatSeconds(value.nanos);
  if (value instanceof CelTypeValue) return value.name;
  if (value instanceof CelList) {
    const items = Array.from({ length: value.size }, (_, index) => member(value.at(index) as CelValue, depth));
    return `[${items.join(', ')}]`;
  }
  if (!(value instanceof CelMap)) return fail(unknown(typeNameOf(value)));
  const pairs = [...value.keys()].map(
    (key) => [member(key, depth), member(value.find(key) as CelValue, depth)] as const,
  );
  pairs.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${pairs.map(([key, item]) => `${key}:${item}`).join(', ')}}`;
}

const whole = (value: CelValue): bigint | undefined =>
  typeof value === 'bigint' ? value : value instanceof CelUint ? value.value : undefined;

const wants = (clause: string, types: string, value: CelValue): never =>
  fail(`error during formatting: ${clause} clause can only be used on ${types}, was given ${typeNameOf(value)}`);

function real(value: CelValue, clause: string): number {
  if (typeof value === 'number') return value;
  if (value === 'NaN') return Number.NaN;
  if (value === 'Infinity') return Infinity;
  if (value === '-Infinity') return -Infinity;
  return wants(clause, 'doubles', value);
}

const unusual = (value: number) => (Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞');

const grouped = (digits: string) => {
  const [front, back] = digits.split('.') as [string, string | undefined];
  const marked = front.replace(/\B(?=(\d{3})+$)/g, ',');
  return back === undefined ? marked : `${marked}.${back}`;
};

const superscripts = '⁰¹²³⁴⁵⁶⁷⁸⁹';
const raised = (exponent: number) =>
  (exponent < 0 ? '⁻' : '') +
  [...String(Math.abs(exponent)).padStart(2, '0')].map((digit) => superscripts[Number(digit)]).join('');

/** As Go rounds: what lies exactly between goes to the even neighbour. */
function rounded(value: number, precision: number): string {
  const digits = value.toFixed(precision);
  const exact = Math.abs(value) < 1e21 ? value.toFixed(100) : digits;
  const rest = exact.slice(exact.indexOf('.') + 1 + precision);
  if (!/^50*$/.test(rest)) return digits;
  const down = exact.slice(0, exact.indexOf('.') + (precision === 0 ? 0 : 1 + precision));
  return Number(down.at(-1)) % 2 === 0 ? down : digits;
}

function fixed(value: CelValue, precision: number): string {
  const number = real(value, 'fixed-point');
  return Number.isFinite(number) ? grouped(rounded(number, precision)) : unusual(number);
}

function scientific(value: CelValue, precision: number): string {
  const number = real(value, 'scientific');
  // What is said of precision is taken for a width.
  if (!Number.isFinite(number)) return unusual(number).padStart(precision);
  const [digits, exponent] = number.toExponential(6).split('e') as [string, string];
  return `${digits}×10${raised(Number(exponent))}`.padStart(precision);
}

function hex(value: CelValue, upper: boolean): string {
  const number = whole(value);
  const digits =
    number !== undefined
      ? number.toString(16)
      : typeof value === 'string' || value instanceof Uint8Array
        ? Buffer.from(value as string).toString('hex')
        : wants('only integers, byte buffers, and strings can be formatted as hex', '', value);
  return upper ? digits.toUpperCase() : digits;
}

function clauseOf(letter: string, value: CelValue, precision: number): string {
  switch (letter) {
    case 's':
      return text(value);
    case 'd':
      return String(whole(value) ?? wants('decimal', 'integers', value));
    case 'f':
      return fixed(value, precision);
    case 'e':
      return scientific(value, precision);
    case 'b':
      if (typeof value === 'boolean') return value ? '1' : '0';
      return (
        whole(value) ??
        fail(
          `error during formatting: only integers and bools can be formatted as binary, was given ${typeNameOf(value)}`,
        )
      ).toString(2);
    case 'x':
    case 'X':
      if (whole(value) === undefined && typeof value !== 'string' && !(value instanceof Uint8Array)) {
        fail(
          `error during formatting: only integers, byte buffers, and strings can be formatted as hex, was given ${typeNameOf(value)}`,
        );
      }
      return hex(value, letter === 'X');
    case 'o':
      return (
        whole(value) ??
        fail(`error during formatting: octal clause can only be used on integers, was given ${typeNameOf(value)}`)
      ).toString(8);
    default:
      return fail(`could not parse formatting clause: unrecognized formatting clause "${letter}"`);
  }
}

const maxPrecision = 100;

/** Calls `clause` for each clause of a format, in order; `count` is how many arguments there are. */
function walk(
  template: string,
  count: number,
  clause: (letter: string, index: number, precision: number) => string,
): string {
  let result = '';
  let used = 0;
  for (let at = 0; at < template.length; ) {
    const percent = template.indexOf('%', at);
    if (percent < 0) return result + template.slice(at);
    result += template.slice(at, percent);
    at = percent + 1;
    if (at >= template.length) fail('unexpected end of string');
    if (template[at] === '%') {
      result += '%';
      at++;
      continue;
    }
    if (used >= count) fail(`index ${used} out of range`);
    const precisionText = /^\.(\d*)/.exec(template.slice(at, at + 8));
    const precision = precisionText ? Number(precisionText[1] || '0') : 6;
    if (precision > maxPrecision) fail('could not parse formatting clause: precision is too large');
    at += precisionText?.[0].length ?? 0;
    if (at >= template.length) fail('could not parse formatting clause: unexpected end of string');
    result += clause(template[at]!, used, precision);
    checkSize(result.length);
    used++;
    at++;
  }
  return result;
}

export function format(template: string, args: CelList): Outcome {
  try {
    return walk(template, args.size, (letter, index, precision) => {
      const value = args.at(index);
      return value instanceof CelError ? fail(value.message) : clauseOf(letter, value, precision);
    });
  } catch (error) {
    if (error instanceof FormatProblem) return new CelError(error.message);
    throw error;
  }
}

const wholeKinds = ['int', 'uint'];
/** Kinds of types that a clause takes, and what it says to others. */
const clauseTypes: Readonly<Record<string, readonly [kinds: readonly string[], problem: (name: string) => string]>> = {
  s: [
    ['string', 'bool', 'bytes', 'int', 'uint', 'double', 'map', 'list', 'type', 'duration', 'timestamp', 'null'],
    stringClause,
  ],
  d: [wholeKinds, wrongType('decimal', 'integers')],
  f: [['double'], wrongType('fixed-point', 'doubles')],
  e: [['double'], wrongType('scientific', 'doubles')],
  b: [
    [...wholeKinds, 'bool'],
    (name) => `error during formatting: only integers and bools can be formatted as binary, was given ${name}`,
  ],
  x: [[...wholeKinds, 'string', 'bytes'], hexProblem],
  X: [[...wholeKinds, 'string', 'bytes'], hexProblem],
  o: [wholeKinds, wrongType('octal', 'integers')],
};

function wrongType(clause: string, types: string) {
  return (name: string) => `error during formatting: ${clause} clause can only be used on ${types}, was given ${name}`;
}

function hexProblem(name: string): string {
  return `error during formatting: only integers, byte buffers, and strings can be formatted as hex, was given ${name}`;
}

/** How many arguments a literal format wants; or what is wrong, and with which of them (-1: the format). */
export function checkFormat(
  template: string,
  count: number,
  typeOf: (index: number) => CelType,
): { wanted: number } | { error: string; index: number } {
  let wanted = 0;
  let current = -1;
  try {
    walk(template, count, (letter, index) => {
      wanted++;
      const clause = clauseTypes[letter];
      if (!clause) fail(`could not parse formatting clause: unrecognized formatting clause "${letter}"`);
      const type = typeOf(index);
      current = index;
      if (!isDynamic(type) && type.kind !== 'param' && !clause![0].includes(type.kind)) fail(clause![1](type.name));
      current = -1;
      return '';
    });
    return { wanted };
  } catch (error) {
    if (error instanceof FormatProblem) return { error: error.message, index: current };
    throw error;
  }
}
