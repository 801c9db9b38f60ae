// When a schedule fires: at every minute whose local time matches. A minute that a clock change skips never comes, one that
// it repeats comes twice.
import type { CronSchedule } from '../../api/batch/cron-schedule.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
/** Leap days come eight years apart at most; what has not fired by then never does. */
const horizonMs = 9 * 366 * 24 * hourMs;

/** Minutes that a zone is ahead of UTC at an instant. */
export type ZoneOffset = (atMs: number) => number;

/** The offset of a named zone, or of the zone this process lives in. @throws RangeError for a zone nobody knows. */
export function zoneOffset(zone: string | undefined): ZoneOffset {
  if (zone === undefined) return (atMs) => -new Date(atMs).getTimezoneOffset();
  if (/^(Etc\/)?(UTC|GMT)$/i.test(zone)) return () => 0;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (atMs) => {
    const [month, day, year, hour, minute] = format.format(atMs).match(/\d+/g)!.map(Number);
    const local = Date.UTC(year!, month! - 1, day, hour, minute);
    return Math.round((local - Math.floor(atMs / minuteMs) * minuteMs) / minuteMs);
  };
}

const has = (bits: bigint, value: number) => (bits & (1n << BigInt(value))) !== 0n;

function matchesDay(schedule: CronSchedule, local: Date): boolean {
  const dayOfMonth = has(schedule.dayOfMonth, local.getUTCDate());
  const dayOfWeek = has(schedule.dayOfWeek, local.getUTCDay());
  if (schedule.anyDayOfMonth || schedule.anyDayOfWeek) return dayOfMonth && dayOfWeek;
  return dayOfMonth || dayOfWeek;
}

/** The first time after `afterMs`; undefined when there is none in years. */
export function nextTime(schedule: CronSchedule, offset: ZoneOffset, afterMs: number): number | undefined {
  if (schedule.everyMs !== undefined) {
    const everyMs = Math.max(1000, Math.floor(schedule.everyMs / 1000) * 1000);
    return Math.floor(afterMs / 1000) * 1000 + everyMs;
  }
  let atMs = (Math.floor(afterMs / minuteMs) + 1) * minuteMs;
  while (atMs <= afterMs + horizonMs) {
    const step = stepFrom(schedule, offset, atMs);
    if (step === atMs) return atMs;
    atMs = step;
  }
  return undefined;
}

/** `atMs` itself when it matches, else the next instant that may. */
function stepFrom(schedule: CronSchedule, offset: ZoneOffset, atMs: number): number {
  const local = new Date(atMs + offset(atMs) * minuteMs);
  const [year, month, day] = [local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()];
  if (!has(schedule.month, month + 1)) return midnight(offset, Date.UTC(year, month + 1, 1), atMs);
  if (!matchesDay(schedule, local)) return midnight(offset, Date.UTC(year, month, day + 1), atMs);
  const minute = local.getUTCMinutes();
  const nextHourMs = atMs + (60 - minute) * minuteMs;
  if (!has(schedule.hour, local.getUTCHours())) return nextHourMs;
  for (let next = minute; next < 60; next++) if (has(schedule.minute, next)) return atMs + (next - minute) * minuteMs;
  return nextHourMs;
}

/** The instant of a local time, later than `afterMs` in any case: a clock change may have eaten midnight. */
function midnight(offset: ZoneOffset, localMs: number, afterMs: number): number {
  const guessMs = localMs - offset(localMs) * minuteMs;
  const atMs = localMs - offset(guessMs) * minuteMs;
  return atMs > afterMs ? atMs : afterMs + hourMs;
}
