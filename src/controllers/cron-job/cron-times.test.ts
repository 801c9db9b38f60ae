import assert from 'node:assert/strict';
import test from 'node:test';
import { parseCronSchedule } from '../../api/batch/cron-schedule.ts';
import { nextTime, zoneOffset } from './cron-times.ts';

function times(text: string, zone: string, after: string, count = 1): string[] {
  const [schedule, offset] = [parseCronSchedule(text), zoneOffset(zone)];
  const found: string[] = [];
  let atMs: number | undefined = Date.parse(after);
  for (let n = 0; n < count; n++) {
    atMs = nextTime(schedule, offset, atMs);
    if (atMs === undefined) return [...found, 'never'];
    found.push(new Date(atMs).toISOString().slice(0, 19));
  }
  return found;
}

for (const { text, zone = 'UTC', after, want } of [
  { text: '*/15 * * * *', after: '2030-01-01T00:14:59Z', want: ['2030-01-01T00:15:00', '2030-01-01T00:30:00'] },
  { text: '0 0 * * *', after: '2030-01-01T00:00:00Z', want: ['2030-01-02T00:00:00'] },
  { text: '0 0 29 2 *', after: '2030-01-01T00:00:00Z', want: ['2032-02-29T00:00:00', '2036-02-29T00:00:00'] },
  { text: '0 0 30 2 *', after: '2030-01-01T00:00:00Z', want: ['never'] },
  { text: '0 9 * * mon-fri', after: '2030-01-04T10:00:00Z', want: ['2030-01-07T09:00:00'] },
  { text: '0 0 13 * fri', after: '2030-01-05T00:00:00Z', want: ['2030-01-11T00:00:00', '2030-01-13T00:00:00'] },
  { text: '@every 90m', after: '2030-01-01T00:00:00.5Z', want: ['2030-01-01T01:30:00', '2030-01-01T03:00:00'] },
  { text: '0 0 * * *', zone: 'Europe/Berlin', after: '2030-07-01T00:00:00Z', want: ['2030-07-01T22:00:00'] },
  { text: '0 0 * * *', zone: 'Asia/Kolkata', after: '2030-07-01T00:00:00Z', want: ['2030-07-01T18:30:00'] },
] as { text: string; zone?: string; after: string; want: string[] }[]) {
  test(`${text} in ${zone} comes after ${after} at ${want}`, () =>
    assert.deepEqual(times(text, zone, after, want.length), want));
}

test('a time that the clocks skip does not come that day', () => {
  const want = ['2030-03-30T01:30:00', '2030-04-01T00:30:00'];
  assert.deepEqual(times('30 2 * * *', 'Europe/Berlin', '2030-03-29T12:00:00Z', 2), want);
});

test('a time that the clocks repeat comes twice', () => {
  const want = ['2030-10-27T00:30:00', '2030-10-27T01:30:00', '2030-10-28T01:30:00'];
  assert.deepEqual(times('30 2 * * *', 'Europe/Berlin', '2030-10-26T12:00:00Z', 3), want);
});

test('a day goes on where the clocks skip midnight', () => {
  // Clocks go from 00:00 to 01:00 on the last Friday of April there.
  const want = ['2030-04-26T08:00:00'];
  assert.deepEqual(times('0 11 26 4 *', 'Africa/Cairo', '2030-04-20T00:00:00Z'), want);
});

test('a zone that nobody knows is refused', () => {
  assert.throws(() => zoneOffset('Europe/Atlantis'), RangeError);
});
