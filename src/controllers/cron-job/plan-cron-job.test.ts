import assert from 'node:assert/strict';
import test from 'node:test';
import type { CronJob, Job } from '../../../generated/batch-v1.ts';
import { parseCronSchedule } from '../../api/batch/cron-schedule.ts';
import { nextTime, zoneOffset } from './cron-times.ts';
import { missedStarts, planCleanup, untilNextMs } from './plan-cron-job.ts';

const at = (text: string) => Date.parse(`2030-01-01T${text}Z`);
const schedule = (text: string) => (afterMs: number) => nextTime(parseCronSchedule(text), zoneOffset('UTC'), afterMs);

function aCronJob(last: string | undefined, limits = {}): CronJob {
  return {
    metadata: { name: 'tick', creationTimestamp: '2030-01-01T00:00:00Z' },
    spec: { schedule: '', jobTemplate: {}, ...limits },
    status: last ? { lastScheduleTime: `2030-01-01T${last}Z` } : {},
  } as CronJob;
}

for (const { name, text, last, now, deadlineSeconds, want } of [
  { name: 'nothing before the first time', text: '0 * * * *', now: '00:30:00', want: [undefined, 0] },
  { name: 'the only time that has come', text: '0 * * * *', now: '01:30:00', want: ['01:00:00', 0] },
  { name: 'the latest of several', text: '0 * * * *', now: '05:30:00', want: ['05:00:00', 5] },
  { name: 'nothing that was used', text: '0 * * * *', last: '05:00:00', now: '05:30:00', want: [undefined, 0] },
  {
    name: 'nothing before the deadline',
    text: '0 * * * *',
    now: '05:30:00',
    deadlineSeconds: 60,
    want: [undefined, 0],
  },
  { name: 'the latest of many', text: '* * * * *', now: '05:30:20', want: ['05:30:00', 330] },
  { name: 'the latest of uneven ones', text: '30 1-10/4 * * *', now: '09:40:00', want: ['09:30:00', 3] },
] as {
  name: string;
  text: string;
  last?: string;
  now: string;
  deadlineSeconds?: number;
  want: [string | undefined, number];
}[]) {
  test(`missed starts: ${name}`, () => {
    const missed = missedStarts(aCronJob(last), schedule(text), at(now), deadlineSeconds);
    assert.deepEqual([missed.mostRecentMs, missed.count], [want[0] && at(want[0]), want[1]]);
  });
}

test('a schedule that never comes is a problem, not a loop', () => {
  assert.match(
    missedStarts(aCronJob(undefined), schedule('0 0 30 2 *'), at('05:00:00')).problem ?? '',
    /less than 1 second/,
  );
  assert.equal(untilNextMs(aCronJob(undefined), schedule('0 0 30 2 *'), at('05:00:00')), undefined);
});

test('the next look comes just after the next start', () => {
  assert.equal(untilNextMs(aCronJob('05:00:00'), schedule('0 * * * *'), at('05:59:59')), 1100);
});

function aJob(name: string, start: string, type: 'Complete' | 'Failed' | undefined): Job {
  const conditions = type ? [{ type, status: 'True' }] : [];
  return { metadata: { name }, status: { startTime: `2030-01-01T${start}Z`, conditions } } as unknown as Job;
}

test('history keeps the newest of each end, and what runs', () => {
  const jobs = [
    aJob('c', '03:00:00', 'Complete'),
    aJob('a', '01:00:00', 'Complete'),
    aJob('b', '02:00:00', 'Complete'),
    aJob('f', '01:00:00', 'Failed'),
    aJob('r', '00:00:00', undefined),
  ];
  const cronJob = aCronJob(undefined, { successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 1 });
  assert.deepEqual(
    planCleanup(cronJob, jobs).map(({ metadata }) => metadata.name),
    ['a', 'b'],
  );
});
