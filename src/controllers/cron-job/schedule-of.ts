import type { CronJob } from '../../../generated/batch-v1.ts';
import { parseCronSchedule } from '../../api/batch/cron-schedule.ts';
import { nextTime, type ZoneOffset, zoneOffset } from './cron-times.ts';
import type { NextTime } from './plan-cron-job.ts';

export type Schedule =
  | { readonly next: NextTime; readonly offset: ZoneOffset }
  | { readonly problem: 'UnknownTimeZone' | 'UnparseableSchedule'; readonly message: string };

/** A CronJob's schedule in its zone, or what is wrong with it. */
export function scheduleOf({ spec }: CronJob): Schedule {
  const { schedule: text, timeZone } = spec;
  const offset = offsetOf(timeZone);
  if (!offset) {
    const message = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`;
    return { problem: 'UnknownTimeZone', message };
  }
  try {
    const schedule = parseCronSchedule(text);
    return { next: (afterMs) => nextTime(schedule, offset, afterMs), offset };
  } catch (error) {
    const message = `unparseable schedule: ${JSON.stringify(text)} : ${(error as Error).message}`;
    return { problem: 'UnparseableSchedule', message };
  }
}

function offsetOf(zone: string | undefined): ZoneOffset | undefined {
  try {
    return zoneOffset(zone);
  } catch {
    return undefined; // The zone was known when it was stored, perhaps to another machine.
  }
}
