// Points in time and spans, in nanoseconds.

const second = 1_000_000_000n;
const shape = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(?:([Zz])|([+-])(\d{2}):(\d{2}))$/;

export const firstTime = -62_135_596_800n * second;
export const lastTime = 253_402_300_799n * second + 999_999_999n;
const maxSpan = 315_576_000_000n * second;
const int64 = 1n << 63n;

export const isTime = (nanos: bigint): boolean => nanos >= firstTime && nanos <= lastTime;
/** Within what 64 bits hold. */
export const isSpan = (nanos: bigint): boolean =>
  nanos >= -int64 && nanos < int64 && nanos <= maxSpan && nanos >= -maxSpan;

function dayNumber(year: number, month: number, day: number): number | undefined {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return date.getTime() / 86_400_000;
}

/** RFC 3339; undefined: it is none. */
export function parseTimestamp(text: string): bigint | undefined {
  const match = shape.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, seconds] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const days = dayNumber(year, month, day);
  if (days === undefined || hour > 23 || minute > 59 || seconds > 59) return undefined;
  const [zoneHours, zoneMinutes] = [Number(match[10] ?? 0), Number(match[11] ?? 0)];
  if (zoneHours > 24 || zoneMinutes > 60) return undefined;
  const offset = (zoneHours * 60 + zoneMinutes) * (match[9] === '-' ? -60 : 60);
  const total = BigInt(days * 86_400 + hour * 3600 + minute * 60 + seconds - offset);
  return total * second + BigInt((match[7] ?? '').padEnd(9, '0').slice(0, 9));
}

export function parseDate(text: string): bigint | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  const days = match ? dayNumber(Number(match[1]), Number(match[2]), Number(match[3])) : undefined;
  return days === undefined ? undefined : BigInt(days * 86_400) * second;
}

/** Floor division: what is left over is never negative. */
function split(nanos: bigint): { seconds: bigint; rest: bigint } {
  let seconds = nanos / second;
  let rest = nanos % second;
  if (rest < 0n) {
    rest += second;
    seconds--;
  }
  return { seconds, rest };
}

const fraction = (rest: bigint): string => (rest === 0n ? '' : `.${String(rest).padStart(9, '0').replace(/0+$/, '')}`);

export function formatTimestamp(nanos: bigint): string {
  const { seconds, rest } = split(nanos);
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, -5);
  return `${text}${fraction(rest)}Z`;
}

/** `1.5s`: spans as text know seconds only. */
export function formatSeconds(nanos: bigint): string {
  const size = nanos < 0n ? -nanos : nanos;
  return `${nanos < 0n ? '-' : ''}${size / second}${fraction(size % second)}s`;
}

/** Calendar fields in a zone: `UTC`, `-08:00` or a name; undefined: there is no such zone. */
export function fieldsOf(nanos: bigint, zone: string | undefined): Date | undefined {
  const millis = Number(split(nanos).seconds) * 1000 + Number(split(nanos).rest / 1_000_000n);
  if (zone === undefined || zone === 'UTC' || zone === '') return new Date(millis);
  const offset = /^([+-]?)(\d{1,2}):(\d{2})$/.exec(zone);
  if (offset) {
    const minutes = Number(offset[2]) * 60 + Number(offset[3]);
    return new Date(millis + minutes * (offset[1] === '-' ? -60_000 : 60_000));
  }
  return inNamedZone(millis, zone);
}

function inNamedZone(millis: number, zone: string): Date | undefined {
  try {
    const parts = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }).formatToParts(millis);
    const part = (type: string) => Number(parts.find((each) => each.type === type)!.value);
    const date = new Date(0);
    date.setUTCFullYear(part('year'), part('month') - 1, part('day'));
    date.setUTCHours(part('hour'), part('minute'), part('second'), ((millis % 1000) + 1000) % 1000);
    return date;
  } catch {
    return undefined;
  }
}
