// Jobs and CronJobs: siblings of what has been recorded.
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { labels, make, patch, pod, podSpec, pods, remove, removeAll, say, story, wait } from './words.ts';

const kinds = ['Job', 'CronJob'];
const job = (spec: Json = {}, pods: Json = {}, metadata: Json = {}) =>
  make('Job', 'a', {
    metadata,
    spec: { template: { metadata: { labels }, spec: podSpec({ restartPolicy: 'Never', ...pods }) }, ...spec },
  });
const rules = (...list: Json[]) => ({ podFailurePolicy: { rules: list } });
const exits = (action: string, operator: string, ...values: number[]) => ({
  action,
  onExitCodes: { operator, values },
});
const indexed = (completions: number, more: Json = {}) => ({
  completionMode: 'Indexed',
  completions,
  parallelism: completions,
  ...more,
});
const status = (body: Json) => patch('Job', 'a', { status: body }, { subresource: 'status' });
const change = (spec: Json) => patch('Job', 'a', { spec });
const tell = (title: string, ...steps: Step[]) => story(`job/${title}`, kinds, pods('ready'), ...steps);
const jobTemplate = (metadata: Json = {}) => ({
  metadata,
  spec: { template: { metadata: { labels }, spec: podSpec({ restartPolicy: 'Never' }) } },
});
const cron = (spec: Json, metadata: Json = {}) =>
  make('CronJob', 'tick', { metadata, spec: { jobTemplate: jobTemplate(), ...spec } });
const lastRan = (seconds: number) =>
  patch('CronJob', 'tick', { status: { lastScheduleTime: `{time:${seconds}}` } }, { subresource: 'status' });
const daily = { schedule: '{cron:-300}', startingDeadlineSeconds: 3600, suspend: true };
const go = patch('CronJob', 'tick', { spec: { suspend: false } });

export const moreJobStories: readonly Story[] = [
  tell(
    'policy counts',
    job({ backoffLimit: 1, ...rules(exits('Count', 'In', 5)) }),
    say('.', { set: 'failed', exitCode: 5 }),
  ),
  tell(
    'policy ignores',
    job({ backoffLimit: 0, ...rules(exits('Ignore', 'In', 5, 6)) }),
    say('.', { set: 'failed', exitCode: 5 }),
  ),
  tell(
    'policy of which none fits',
    job({ backoffLimit: 0, ...rules(exits('Ignore', 'NotIn', 5)) }),
    say('.', { set: 'failed', exitCode: 5 }),
  ),
  tell(
    'policy, the first that fits',
    job({ backoffLimit: 2, ...rules(exits('Ignore', 'In', 5), exits('FailJob', 'In', 5, 6)) }),
    say('.', { set: 'failed', exitCode: 6 }),
  ),
  tell(
    'policy fails while others run',
    job({ parallelism: 2, completions: 2, ...rules(exits('FailJob', 'In', 3)) }),
    pods('stay'),
    removeAll('ConfigMap'),
    say('.', { set: 'failed', exitCode: 3 }),
  ),
  tell('policy with restarts', job({ ...rules(exits('FailJob', 'In', 3)) }, { restartPolicy: 'OnFailure' })),
  tell(
    'policy that is wrong',
    job(rules(exits('FailJob', 'In'))),
    job(rules(exits('Odd', 'In', 1))),
    job(rules(exits('FailJob', 'In', 0))),
    job(rules(exits('FailIndex', 'In', 1))),
    job(rules({ action: 'FailJob' })),
    job(rules({ action: 'Count', onExitCodes: { containerName: 'none', operator: 'In', values: [1] } })),
    job(rules(exits('Count', 'In', 2, 1))),
  ),
  tell(
    'success policy that is wrong',
    job({ successPolicy: { rules: [{ succeededCount: 1 }] } }),
    job({ ...indexed(3), successPolicy: { rules: [] } }),
    job({ ...indexed(3), successPolicy: { rules: [{ succeededIndexes: '3-1' }] } }),
    job({ ...indexed(3), successPolicy: { rules: [{ succeededIndexes: '0-9' }] } }),
    job({ ...indexed(3), successPolicy: { rules: [{ succeededIndexes: '0', succeededCount: 2 }] } }),
    job({ ...indexed(3), successPolicy: { rules: [{}] } }),
  ),
  tell(
    'replacement while they end',
    pods('away'),
    job({ podReplacementPolicy: 'TerminatingOrFailed', parallelism: 1 }, { nodeName: 'n1' }),
    say('.', { set: 'ready' }),
    removeAll('Pod'),
    pods('ready'),
  ),
  tell(
    'replacement only of failed, while they end',
    pods('away'),
    job({ podReplacementPolicy: 'Failed', parallelism: 1 }, { nodeName: 'n1' }),
    say('.', { set: 'ready' }),
    removeAll('Pod'),
    pods('ready'),
  ),
  tell('per index, all fail', pods('fail'), job(indexed(2, { backoffLimitPerIndex: 0 })), wait(1)),
  tell(
    'per index without indexes',
    job({ backoffLimitPerIndex: 1 }),
    job({ ...indexed(2), maxFailedIndexes: 1 }),
    job(indexed(2, { backoffLimitPerIndex: 1, maxFailedIndexes: 3 })),
  ),
  tell(
    'elastic only with both',
    job(indexed(2)),
    change({ completions: 3 }),
    change({ parallelism: 3 }),
    change({ completions: 4, parallelism: 4 }),
    change({ completions: 1, parallelism: 1 }),
  ),
  tell('not elastic', job({ completions: 2, parallelism: 2 }), change({ completions: 3, parallelism: 3 })),
  tell(
    'what cannot change',
    job(),
    change({ selector: { matchLabels: { x: 'y' } } }),
    change({ completionMode: 'Indexed' }),
    change({ podReplacementPolicy: 'Failed' }),
    change({ managedBy: 'example.com/x' }),
    change({ template: { metadata: { labels: { more: 'x' } } } }),
    change({ backoffLimit: 9, activeDeadlineSeconds: 900, parallelism: 2, ttlSecondsAfterFinished: 90 }),
  ),
  tell(
    'a name too long for indexes',
    make('Job', 'x'.repeat(62), {
      spec: { completionMode: 'Indexed', completions: 11, template: { spec: podSpec({ restartPolicy: 'Never' }) } },
    }),
  ),
  tell('always restarts', job({}, { restartPolicy: 'Always' })),
  tell(
    'completed, then more is asked',
    pods('succeed'),
    job({ completions: 1 }),
    change({ parallelism: 3 }),
    change({ suspend: true }),
  ),
  tell('failed, then more is allowed', pods('fail'), job({ backoffLimit: 0 }), change({ backoffLimit: 5 })),
  tell(
    'status by hand',
    job(),
    status({ active: 7, succeeded: 3 }),
    status({ conditions: [{ type: 'Complete', status: 'True' }] }),
    status({ startTime: null }),
  ),
  tell('its pods are orphaned by hand', job(), removeAll('Job')),
  tell(
    'finalizer taken from a pod',
    pods('stay'),
    job({ parallelism: 2 }),
    patch('Job', 'a', { metadata: { labels: { x: 'y' } } }),
  ),
  tell(
    'fails with a finished pod beside',
    job({ completions: 3, parallelism: 3, backoffLimit: 0, ...indexed(3) }),
    pods('stay'),
    say('a-0', { set: 'succeeded' }),
    say('a-1', { set: 'failed' }),
  ),
  tell(
    'a pod gone before its time',
    pods('away'),
    job({ backoffLimit: 3 }, { nodeName: 'n1' }),
    say('.', { set: 'ready' }),
    removeAll('Pod'),
    say('.', { set: 'failed' }),
  ),
  tell('suspended at zero', job({ suspend: true, completions: 0 }), change({ suspend: false })),
  tell(
    'started again with other resources',
    job({ suspend: true }),
    change({
      template: {
        spec: {
          nodeSelector: { a: 'b' },
          tolerations: [{ operator: 'Exists' }],
          schedulingGates: [{ name: 'x.example/g' }],
        },
      },
    }),
    change({ template: { spec: { containers: [{ name: 'c', image: 'other' }] } } }),
    change({ suspend: false }),
  ),
  tell('an orphan that matches is not taken', pod('p', { restartPolicy: 'Never' }), job()),
  tell(
    'deleted in the foreground',
    pods('away'),
    job({ parallelism: 2 }, { nodeName: 'n1' }),
    remove('Job', 'a', 'Foreground'),
    pods('ready'),
  ),

  story(
    'cron/labels of its Jobs',
    kinds,
    pods('stay'),
    cron({
      ...daily,
      jobTemplate: jobTemplate({
        labels: { mine: 'x' },
        annotations: { note: 'y', 'batch.kubernetes.io/cronjob-scheduled-timestamp': 'z' },
      }),
    }),
    lastRan(-90_000),
    go,
  ),
  story(
    'cron/failed history',
    kinds,
    pods('fail'),
    cron({ ...daily, failedJobsHistoryLimit: 1, jobTemplate: { spec: { ...jobTemplate().spec, backoffLimit: 0 } } }),
    lastRan(-90_000),
    go,
    patch('CronJob', 'tick', { spec: { schedule: '{cron:-240}' } }),
  ),
  story(
    'cron/a Job of its own that it does not know',
    kinds,
    pods('stay'),
    cron({ ...daily }),
    make('Job', 'mine', {
      metadata: {
        ownerReferences: [
          { apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid: '{uid:CronJob/tick}', controller: true },
        ],
      },
      spec: jobTemplate().spec,
    }),
    patch('CronJob', 'tick', { metadata: { labels: { a: 'b' } } }),
    pods('succeed'),
  ),
  ...(['stay', 'succeed', 'ready'] as const).map((policy) =>
    story(
      `cron/another schedule, ${policy}`,
      kinds,
      pods(policy),
      cron(daily),
      lastRan(-90_000),
      go,
      patch('CronJob', 'tick', { spec: { schedule: '{cron:-240}' } }),
      patch('CronJob', 'tick', { spec: { successfulJobsHistoryLimit: 0 } }),
    ),
  ),
  story(
    'cron/a Job of that name is there',
    kinds,
    pods('stay'),
    cron({ ...daily }),
    lastRan(-90_000),
    go,
    lastRan(-90_000),
    patch('CronJob', 'tick', { metadata: { labels: { a: 'b' } } }),
  ),
  story(
    'cron/status by hand',
    kinds,
    cron({ schedule: '0 0 1 1 *' }),
    patch(
      'CronJob',
      'tick',
      { status: { active: [{ kind: 'Job', namespace: '{ns}', name: 'none', uid: 'x' }] } },
      { subresource: 'status' },
    ),
  ),
  ...[
    '* * * *',
    '',
    '0 0 32 * *',
    '0 24 * * *',
    '0 0 * 13 *',
    '0 0 * * 8',
    '1,2,x * * * *',
    '@hourly',
    '@midnight',
    '@weekly',
    '@yearly',
    '@every 1h30m',
    '@every 90',
    '1-5/2 * * * *',
    '*/5 */2 1-15 JAN-JUN MON,WED',
    '0 0 L * *',
    '0 0 * * 1#2',
    '  0 0 * * *  ',
    '0 0 0 1 1 ? 2030',
    '-1 * * * *',
    '60/5 * * * *',
    '0-59 * * * *',
    'TZ=Nowhere 0 0 * * *',
  ].map((schedule) => story(`cron/line ${schedule}`, kinds, cron({ schedule, suspend: true }))),
  story(
    'cron/policies that are none',
    kinds,
    cron({ schedule: '@daily', concurrencyPolicy: 'Odd' }),
    cron({ schedule: '@daily', jobTemplate: { spec: { template: { spec: podSpec({ restartPolicy: 'Always' }) } } } }),
    cron({ schedule: '@daily', failedJobsHistoryLimit: -1 }),
    cron({ schedule: '@daily', timeZone: 'UTC ' }),
    cron({ schedule: '@daily', timeZone: '/etc' }),
  ),
];
