// CronJobs.
import type { Story } from '../stories.ts';
import { labels, make, patch, podSpec, pods, remove, story, wait } from './words.ts';

const jobs = ['CronJob', 'Job'];
const jobTemplate = (spec = {}) => ({
  spec: { template: { metadata: { labels }, spec: podSpec({ restartPolicy: 'Never' }) }, ...spec },
});
const cron = (spec: object) => make('CronJob', 'tick', { spec: { jobTemplate: jobTemplate(), ...spec } });
const daily = { schedule: '{cron:-300}', startingDeadlineSeconds: 3600 };
/** As if made a while ago: from then on, times count as missed. */
const lastRan = (seconds: number) =>
  patch('CronJob', 'tick', { status: { lastScheduleTime: `{time:${seconds}}` } }, { subresource: 'status' });

export const cronJobStories: readonly Story[] = [
  story(
    'cron/many missed',
    jobs,
    cron({ schedule: '* * * * *', suspend: true }),
    lastRan(-60 * 300),
    patch('CronJob', 'tick', { spec: { suspend: false } }),
  ),
  story(
    'cron/many missed with a deadline',
    jobs,
    cron({ schedule: '* * * * *', suspend: true, startingDeadlineSeconds: 150 }),
    lastRan(-60 * 300),
    patch('CronJob', 'tick', { spec: { suspend: false } }),
  ),
  story(
    'cron/replace',
    jobs,
    pods('ready'),
    cron({ schedule: '* * * * *', suspend: true, concurrencyPolicy: 'Replace', startingDeadlineSeconds: 3600 }),
    make('Job', 'tick-1', {
      metadata: {
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid: 'none', controller: true }],
      },
      spec: jobTemplate().spec,
    }),
  ),
  story('cron/never comes', jobs, cron({ schedule: '0 0 31 2 *' }), wait(2)),
  story('cron/bad zone', jobs, cron({ schedule: '0 0 * * *', timeZone: 'Europe/Nowhere' })),
  story('cron/local zone', jobs, cron({ schedule: '0 0 * * *', timeZone: 'Local' })),
  story('cron/empty zone', jobs, cron({ schedule: '0 0 * * *', timeZone: '' })),
  story('cron/lower case zone', jobs, cron({ schedule: '0 0 * * *', timeZone: 'europe/berlin' })),
  story('cron/CRON_TZ', jobs, cron({ schedule: 'CRON_TZ=UTC 0 0 * * *' })),
  story('cron/question mark', jobs, cron({ schedule: '0 0 ? * MON-FRI' })),
  story('cron/names', jobs, cron({ schedule: '0 0 * jan,FEB sun' })),
  story('cron/bad range', jobs, cron({ schedule: '5-1 * * * *' })),
  story('cron/bad step', jobs, cron({ schedule: '*/0 * * * *' })),
  story('cron/bad name', jobs, cron({ schedule: '0 0 * * FUNDAY' })),
  story('cron/beyond', jobs, cron({ schedule: '61 0 * * *' })),
  story('cron/seven', jobs, cron({ schedule: '0 0 * * 7' })),
  story('cron/every nothing', jobs, cron({ schedule: '@every x' })),
  story('cron/every second', jobs, cron({ schedule: '@every 0s' })),
  story('cron/reboot', jobs, cron({ schedule: '@reboot' })),
  story('cron/annually', jobs, cron({ schedule: '@annually' })),
  story('cron/negative deadline', jobs, cron({ schedule: '0 0 * * *', startingDeadlineSeconds: -1 })),
  story('cron/negative history', jobs, cron({ schedule: '0 0 * * *', successfulJobsHistoryLimit: -1 })),
  story(
    'cron/long name',
    jobs,
    make('CronJob', 'a'.repeat(53), { spec: { schedule: '0 0 * * *', jobTemplate: jobTemplate() } }),
  ),
  story(
    'cron/quota refuses',
    jobs,
    make('ResourceQuota', 'q', { spec: { hard: { 'count/jobs.batch': '0' } } }),
    wait(2),
    cron({ schedule: '* * * * *', suspend: true }),
    lastRan(-70),
    patch('CronJob', 'tick', { spec: { suspend: false } }),
  ),
  story(
    'cron/missed run starts, is deleted, comes not again',
    jobs,
    pods('succeed'),
    cron({ ...daily, suspend: true }),
    lastRan(-90_000),
    patch('CronJob', 'tick', { spec: { suspend: false } }),
    patch('CronJob', 'tick', { spec: { successfulJobsHistoryLimit: 0 } }),
    remove('CronJob', 'tick'),
  ),
  story(
    'cron/replaces what runs',
    jobs,
    pods('ready'),
    cron({ ...daily, concurrencyPolicy: 'Replace', suspend: true }),
    lastRan(-90_000),
    patch('CronJob', 'tick', { spec: { suspend: false } }),
    lastRan(-90_000),
    patch('CronJob', 'tick', { spec: { schedule: '{cron:-240}' } }),
    remove('CronJob', 'tick', 'Foreground'),
  ),
  story(
    'cron/forbids',
    jobs,
    pods('ready'),
    cron({ ...daily, concurrencyPolicy: 'Forbid', suspend: true }),
    lastRan(-90_000),
    patch('CronJob', 'tick', { spec: { suspend: false } }),
    patch('CronJob', 'tick', { spec: { schedule: '{cron:-240}' } }),
    pods('fail'),
    remove('CronJob', 'tick', 'Orphan'),
  ),
  story(
    'cron/allows several',
    jobs,
    pods('ready'),
    cron({ ...daily, suspend: true }),
    lastRan(-90_000),
    patch('CronJob', 'tick', { spec: { suspend: false } }),
    patch('CronJob', 'tick', { spec: { schedule: '{cron:-240}' } }),
    patch('CronJob', 'tick', { spec: { schedule: '{cron:-180}' } }),
    pods('succeed'),
    patch('CronJob', 'tick', { spec: { successfulJobsHistoryLimit: 1 } }),
  ),
  story(
    'cron/time zone changes',
    jobs,
    pods('ready'),
    cron({ schedule: '{cron:-300}', timeZone: 'Asia/Kathmandu', suspend: true }),
    lastRan(-90_000),
    patch('CronJob', 'tick', { spec: { timeZone: 'Etc/UTC', suspend: false } }),
  ),
];
