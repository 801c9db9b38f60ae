import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCronSchedule } from './cron-schedule.ts';

const bits = (...values: number[]): bigint => values.reduce((sum, value) => sum | (1n << BigInt(value)), 0n);

test('a schedule lists the values at which each field fires', () => {
  const schedule = parseCronSchedule('*/20 9-17/4 1,15 feb mon-wed');
  assert.equal(schedule.minute, bits(0, 20, 40));
  assert.equal(schedule.hour, bits(9, 13, 17));
  assert.equal(schedule.dayOfMonth, bits(1, 15));
  assert.equal(schedule.month, bits(2));
  assert.equal(schedule.dayOfWeek, bits(1, 2, 3));
});

test('short names and intervals are understood', () => {
  assert.equal(parseCronSchedule('@daily').hour, bits(0));
  assert.equal(parseCronSchedule('@every 1h30m').everyMs, 5_400_000);
});

for (const [text, want] of [
  ['* * * * * *', 'expected exactly 5 fields, found 6: [* * * * * *]'],
  ['@sometimes', 'unrecognized descriptor: @sometimes'],
  ['@every 90', 'failed to parse duration @every 90: time: missing unit in duration "90"'],
  ['TZ=Nowhere 0 0 * * *', 'provided bad location Nowhere: unknown time zone Nowhere'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['5-2 * * * *', 'beginning of range (5) beyond end of range (2): 5-2'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
] as const) {
  test(`the schedule ${text} is refused`, () => assert.throws(() => parseCronSchedule(text), { message: want }));
}
