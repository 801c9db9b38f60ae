// Times and durations in the forms that Go prints, with Go's texts for what cannot be read.

const layouts = { time: '2006-01-02T15:04:05Z07:00', microtime: '2006-01-02T15:04:05.000000Z07:00' } as const;
const canonicalTimeShape =
  /^(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$/;
const canonicalMicroShape =
  /^(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z$/;

/** An instant; nanos is never negative. */
export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

const digits = (text: string): boolean => /^[0-9]+$/.test(text);

/** Reads what Go's RFC 3339 layouts read. Throws an Error with Go's text otherwise. */
export function parseTime(text: string, kind: 'time' | 'microtime'): Instant {
  const fail = (rest: string, element: string): never => {
    throw new Error(
      `parsing time ${JSON.stringify(text)} as "${layouts[kind]}": cannot parse ${JSON.stringify(rest)} as "${element}"`,
    );
  };
  const outOfRange = (what: string): never => {
    throw new Error(`parsing time ${JSON.stringify(text)}: ${what} out of range`);
  };
  let at = 0;
  const number = (length: number, element: string): number => {
    const part = text.slice(at, at + length);
    if (part.length < length || !digits(part)) fail(text.slice(at), element);
    at += length;
    return Number(part);
  };
  const literal = (char: string): void => {
    if (text[at] !== char) fail(text.slice(at), char);
    at++;
  };
  const year = number(4, '2006');
  literal('-');
  const month = number(2, '01');
  if (month < 1 || month > 12) outOfRange('month');
  literal('-');
  const day = number(2, '02');
  literal('T');
  const hour = number(2, '15');
  if (hour > 23) outOfRange('hour');
  literal(':');
  const minute = number(2, '04');
  if (minute > 59) outOfRange('minute');
  literal(':');
  const second = number(2, '05');
  if (second > 59) outOfRange('second');
  let nanos = 0;
  const fraction = /^[.,][0-9]+/.exec(text.slice(at, at + 64))?.[0] ?? '';
  if (kind === 'microtime') {
    if (!/^\.[0-9]{6}/.test(fraction)) fail(text.slice(at), '.000000');
    nanos = Number(fraction.slice(1, 7)) * 1000;
    at += 7;
  } else if (fraction) {
    nanos = Number(fraction.slice(1, 10).padEnd(9, '0'));
    at += fraction.length;
  }
  let offset = 0;
  if (text[at] === 'Z') at++;
  else {
    const zone = /^([+-])([0-9]{2}):([0-9]{2})/.exec(text.slice(at, at + 6));
    if (!zone) fail(text.slice(at), 'Z07:00');
    else {
      offset = (Number(zone[2]) * 3600 + Number(zone[3]) * 60) * (zone[1] === '-' ? -1 : 1);
      at += 6;
    }
  }
  if (at < text.length) {
    throw new Error(`parsing time ${JSON.stringify(text)}: extra text: ${JSON.stringify(text.slice(at))}`);
  }
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (day < 1 || date.getUTCDate() !== day) outOfRange('day');
  return { seconds: date.getTime() / 1000 - offset, nanos };
}

function dateText(seconds: number): string {
  const iso = new Date(seconds * 1000).toISOString();
  return iso.slice(0, iso.length - 5);
}

/** Go's zero time, which prints as null. */
const zeroSeconds = -62135596800;
export const isZeroTime = ({ seconds, nanos }: Instant): boolean => seconds === zeroSeconds && nanos === 0;

/** Whole seconds, UTC: how metav1.Time prints. */
export const formatTime = ({ seconds }: Instant): string => `${dateText(seconds)}Z`;

/** Six decimals, UTC: how metav1.MicroTime prints. */
export const formatMicroTime = ({ seconds, nanos }: Instant): string =>
  `${dateText(seconds)}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z`;

/** The canonical text of a time; null for Go's zero time. */
export function canonicalTime(text: string): string | null {
  if (canonicalTimeShape.test(text) && !text.startsWith('0001')) return text;
  const instant = parseTime(text, 'time');
  return isZeroTime(instant) ? null : formatTime(instant);
}

export function canonicalMicroTime(text: string): string | null {
  if (canonicalMicroShape.test(text) && !text.startsWith('0001')) return text;
  const instant = parseTime(text, 'microtime');
  return isZeroTime(instant) ? null : formatMicroTime(instant);
}

const unitNanos: Record<string, bigint> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Go's time.ParseDuration, in nanoseconds. */
export function parseDuration(text: string): bigint {
  const invalid = (): never => {
    throw new Error(`time: invalid duration ${JSON.stringify(text)}`);
  };
  if (text.length > 128) invalid();
  const negative = text.startsWith('-');
  let rest = /^[+-]/.test(text) ? text.slice(1) : text;
  if (rest === '0') return 0n;
  if (rest === '') invalid();
  let total = 0n;
  while (rest !== '') {
    const match = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/.exec(rest);
    const [all = '', whole = '', fraction = '', unit = ''] = match ?? [];
    if (whole === '' && fraction === '') invalid();
    if (unit === '') throw new Error(`time: missing unit in duration ${JSON.stringify(text)}`);
    const scale = unitNanos[unit];
    if (scale === undefined) {
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${JSON.stringify(text)}`);
    }
    total += BigInt(whole || '0') * scale;
    if (fraction) total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
    if (total > 1n << 63n) invalid();
    rest = rest.slice(all.length);
  }
  return negative ? -total : total;
}

const decimal = (value: bigint, unit: bigint): string => {
  const fraction = String(value % unit)
    .padStart(String(unit).length - 1, '0')
    .replace(/0+$/, '');
  return fraction ? `${value / unit}.${fraction}` : `${value / unit}`;
};

/** Go's Duration.String. */
export function formatDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  const sign = nanos < 0n ? '-' : '';
  const value = nanos < 0n ? -nanos : nanos;
  if (value < 1000n) return `${sign}${value}ns`;
  if (value < 1_000_000n) return `${sign}${decimal(value, 1000n)}µs`;
  if (value < 1_000_000_000n) return `${sign}${decimal(value, 1_000_000n)}ms`;
  const hours = value / 3_600_000_000_000n;
  const minutes = (value / 60_000_000_000n) % 60n;
  const seconds = `${decimal(value % 60_000_000_000n, 1_000_000_000n)}s`;
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

export const canonicalDuration = (text: string): string => formatDuration(parseDuration(text));
