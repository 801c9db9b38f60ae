// Cron expressions in five fields, and their short names. Errors are those of the library that upstream uses.
import { parseDuration } from '../../schema/time.ts';
import { isTimeZone } from './time-zones.ts';

/** The values at which each field fires, as bits; a day matches by month day or week day unless one is a star. */
export interface CronSchedule {
  readonly minute: bigint;
  readonly hour: bigint;
  readonly dayOfMonth: bigint;
  readonly month: bigint;
  readonly dayOfWeek: bigint;
  readonly anyDayOfMonth: boolean;
  readonly anyDayOfWeek: boolean;
  /** Set for `@every 5m`; the fields are empty then. */
  readonly everyMs?: number;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const months = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const weekdays = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const bounds: readonly Bounds[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: months },
  { min: 0, max: 6, names: weekdays },
];
const shortNames: Record<string, string> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** Throws an Error with the message that clients see. */
export function parseCronSchedule(text: string): CronSchedule {
  if (text === '') throw new Error('empty spec string');
  const zoned = /^(?:TZ|CRON_TZ)=(\S*)\s+([\s\S]*)$/.exec(text);
  const zone = zoned?.[1];
  if (zone && zone !== 'Local' && !isTimeZone(zone))
    throw new Error(`provided bad location ${zone}: unknown time zone ${zone}`);
  const spec = (zoned?.[2] ?? text).trim();
  if (spec.startsWith('@')) return parseShortName(spec);
  const fields = spec.split(/\s+/).filter(Boolean);
  if (fields.length !== 5) {
    throw new Error(`expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`);
  }
  const [minute, hour, dayOfMonth, month, dayOfWeek] = fields.map((field, index) => parseField(field, bounds[index]!));
  return {
    minute: minute!,
    hour: hour!,
    dayOfMonth: dayOfMonth!,
    month: month!,
    dayOfWeek: dayOfWeek!,
    anyDayOfMonth: /[*?]/.test(fields[2]!),
    anyDayOfWeek: /[*?]/.test(fields[4]!),
  };
}

function parseShortName(name: string): CronSchedule {
  if (Object.hasOwn(shortNames, name)) return parseCronSchedule(shortNames[name]!);
  if (!name.startsWith('@every ')) throw new Error(`unrecognized descriptor: ${name}`);
  const text = name.slice('@every '.length);
  let everyMs: number;
  try {
    everyMs = Number(parseDuration(text)) / 1e6;
  } catch (error) {
    throw new Error(`failed to parse duration ${name}: ${(error as Error).message}`);
  }
  const none = { minute: 0n, hour: 0n, dayOfMonth: 0n, month: 0n, dayOfWeek: 0n };
  return { ...none, anyDayOfMonth: false, anyDayOfWeek: false, everyMs };
}

function parseField(field: string, limits: Bounds): bigint {
  return field
    .split(',')
    .filter(Boolean)
    .reduce((bits, part) => bits | parseRange(part, limits), 0n);
}

function parseRange(part: string, limits: Bounds): bigint {
  const [range = '', stepText, tooMuch] = part.split('/');
  const [low = '', high, more] = range.split('-');
  const isSingle = high === undefined;
  let start: number;
  let end: number;
  if (low === '*' || low === '?') [start, end] = [limits.min, limits.max];
  else {
    start = parseValue(low, limits);
    if (more !== undefined) throw new Error(`too many hyphens: ${part}`);
    end = isSingle ? start : parseValue(high, limits);
  }
  let step = 1;
  if (tooMuch !== undefined) throw new Error(`too many slashes: ${part}`);
  if (stepText !== undefined) {
    step = parseNumber(stepText);
    if (isSingle) end = limits.max;
  }
  if (start < limits.min) throw new Error(`beginning of range (${start}) below minimum (${limits.min}): ${part}`);
  if (end > limits.max) throw new Error(`end of range (${end}) above maximum (${limits.max}): ${part}`);
  if (start > end) throw new Error(`beginning of range (${start}) beyond end of range (${end}): ${part}`);
  if (step === 0) throw new Error(`step of range should be a positive number: ${part}`);
  let bits = 0n;
  for (let value = start; value <= end; value += step) bits |= 1n << BigInt(value);
  return bits;
}

function parseValue(text: string, { names }: Bounds): number {
  const index = text === '' ? -1 : (names?.indexOf(text.toLowerCase()) ?? -1);
  return index >= 0 ? index : parseNumber(text);
}

function parseNumber(text: string): number {
  if (!/^[+-]?[0-9]+$/.test(text)) {
    throw new Error(`failed to parse int from ${text}: strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  }
  const value = Number(text);
  if (value < 0) throw new Error(`negative number (${value}) not allowed: ${text}`);
  return value;
}
