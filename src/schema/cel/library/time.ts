// Parts of points in time and of spans.
import { CelError } from '../errors.ts';
import type { Library } from '../overloads.ts';
import { fieldsOf } from '../time-values.ts';
import type { CelDuration, CelTimestamp, Outcome } from '../value-types.ts';

const dayMs = 86_400_000;

function dayOfYear(date: Date): number {
  const start = new Date(date);
  start.setUTCMonth(0, 1);
  return Math.round((date.getTime() - start.getTime()) / dayMs);
}

const part =
  (pick: (date: Date) => number) =>
  (time: CelTimestamp, zone?: string): Outcome => {
    const date = fieldsOf(time.nanos, zone);
    return date ? BigInt(pick(date)) : new CelError(`unknown time zone ${zone}`);
  };

/** Of a timestamp, with and without a zone; and of a span where it has such a part. */
function accessor(ids: readonly [string, string], pick: (date: Date) => number, span?: readonly [string, bigint]) {
  const run = part(pick);
  return {
    overloads: {
      [ids[0]]: ['timestamp.() -> int', run] as const,
      [ids[1]]: ['timestamp.(string) -> int', run] as const,
      ...(span ? { [span[0]]: ['duration.() -> int', ({ nanos }: CelDuration) => nanos / span[1]] as const } : {}),
    },
  };
}

const ids = (name: string): [string, string] => [`timestamp_to_${name}`, `timestamp_to_${name}_with_tz`];
const second = 1_000_000_000n;

export const time: Library = {
  getFullYear: accessor(ids('year'), (date) => date.getUTCFullYear()),
  getMonth: accessor(ids('month'), (date) => date.getUTCMonth()),
  getDayOfYear: accessor(ids('day_of_year'), dayOfYear),
  getDayOfMonth: accessor(ids('day_of_month'), (date) => date.getUTCDate() - 1),
  getDate: accessor(ids('day_of_month_1_based'), (date) => date.getUTCDate()),
  getDayOfWeek: accessor(ids('day_of_week'), (date) => date.getUTCDay()),
  getHours: accessor(ids('hours'), (date) => date.getUTCHours(), ['duration_to_hours', 3600n * second]),
  getMinutes: accessor(ids('minutes'), (date) => date.getUTCMinutes(), ['duration_to_minutes', 60n * second]),
  getSeconds: accessor(ids('seconds'), (date) => date.getUTCSeconds(), ['duration_to_seconds', second]),
  getMilliseconds: accessor(ids('milliseconds'), (date) => date.getUTCMilliseconds(), [
    'duration_to_milliseconds',
    1_000_000n,
  ]),
};
