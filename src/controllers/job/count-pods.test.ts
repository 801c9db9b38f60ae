import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Job } from '../../../generated/batch-v1.ts';
import type { Pod } from '../../../generated/core-v1.ts';
import { countPods, trackingFinalizer } from './count-pods.ts';
import { failureCountAnnotation, ignoredFailureCountAnnotation } from './index-failures.ts';
import { indexKey } from './indexes.ts';
import { jobCondition, planPods } from './plan-job.ts';
import { podOfJob } from './pod-of-job.ts';

const nowMs = Date.UTC(2030, 0, 1, 1);
const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'app' }] } };
const ignoring = { rules: [{ action: 'Ignore', onExitCodes: { operator: 'In', values: [42] } }] };

function aJob(spec: object, status: object = {}): Job {
  return {
    metadata: { name: 'job', namespace: 'default', uid: 'job' },
    spec: { parallelism: 2, completions: 2, template, ...spec },
    status,
  } as unknown as Job;
}

const independent = { completionMode: 'Indexed', backoffLimitPerIndex: 5 };

function aPod(name: string, { index, phase = 'Failed', counts = {}, exitCode = 1 }: any = {}): Pod {
  const annotations = { ...(index === undefined ? {} : { [indexKey]: `${index}` }), ...counts };
  const terminated = { exitCode, finishedAt: '2030-01-01T00:00:00Z' };
  return {
    metadata: { name, uid: name, annotations, finalizers: [trackingFinalizer] },
    spec: { containers: [] },
    status: { phase, containerStatuses: [{ name: 'c', state: { terminated } }] },
  } as unknown as Pod;
}

const input = (job: Job, pods: Pod[]) => ({ job, pods, released: new Set<string>(), nowMs });
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

test('the last failed pod of an index is kept until another has taken over its count', () => {
  const job = aJob(independent);
  const failed = aPod('first', { index: 0, counts: { [failureCountAnnotation]: '2' } });
  const before = countPods(input(job, [failed]), undefined);
  assert.deepEqual(names(before.toRelease), []);
  assert.deepEqual(before.newFailed, []);
  assert.deepEqual(planPods(input(job, [failed]), before).indexes, [0, 1]);
  const next = podOfJob(job, 0, before.lastFailed.get(0));
  assert.equal(next.metadata.annotations?.[failureCountAnnotation], '3');
  const running = aPod('second', { index: 0, phase: 'Running' });
  const after = countPods(input(job, [failed, running]), undefined);
  assert.deepEqual(names(after.toRelease), ['first']);
  assert.deepEqual(after.newFailed, ['first']);
});

test('a pod that was counted and could not be let go is let go next, and not counted again, though it still runs', () => {
  const job = aJob({ podReplacementPolicy: 'Failed' }, { uncountedTerminatedPods: { failed: ['counted'] } });
  const { toRelease, newFailed, failed } = countPods(input(job, [aPod('counted', { phase: 'Running' })]), undefined);
  assert.deepEqual([names(toRelease), newFailed, failed], [['counted'], [], 1]);
});

test('failures that the policy ignores are counted apart, and make the next pod wait all the same', () => {
  const job = aJob({ ...independent, podFailurePolicy: ignoring });
  const counts = { [failureCountAnnotation]: '1', [ignoredFailureCountAnnotation]: '9' };
  const ignored = aPod('ignored', { index: 1, exitCode: 42, counts });
  const { annotations } = podOfJob(job, 1, ignored).metadata;
  assert.equal(annotations?.[failureCountAnnotation], '1');
  assert.equal(annotations?.[ignoredFailureCountAnnotation], '10');
  const done = { ...job, status: { completedIndexes: '0' } };
  const early = { ...input(done, [ignored]), nowMs: Date.UTC(2030, 0, 1, 0, 9) };
  assert.equal(planPods(early, countPods(early, undefined)).waitMs, 60_000);
  assert.equal(podOfJob(job, 0).metadata.annotations?.[ignoredFailureCountAnnotation], undefined);
});

test('counts that somebody has written into annotations do no harm', () => {
  const job = aJob(independent);
  for (const text of ['-1', 'many', '1e3', '99999999999', '2147483648', '', ' 1']) {
    const pod = aPod('odd', {
      index: 0,
      counts: { [failureCountAnnotation]: text, [ignoredFailureCountAnnotation]: text },
    });
    assert.equal(podOfJob(job, 0, pod).metadata.annotations?.[failureCountAnnotation], '1', text);
  }
});

test('five hundred pods are counted at a time, and the Job has not ended before all are', () => {
  const pods = Array.from({ length: 501 }, (_, at) => aPod(`pod-${at}`));
  const ending = jobCondition('FailureTarget', 'True', 'BackoffLimitExceeded', '', nowMs);
  const first = countPods(input(aJob({}), pods), ending);
  assert.deepEqual([first.toRelease.length, first.newFailed.length, first.hasMore], [500, 500, true]);
  const rest = countPods(input(aJob({}, { failed: 500 }), pods.slice(500)), ending);
  assert.deepEqual([rest.newFailed.length, rest.failed, rest.hasMore], [1, 501, false]);
});

test('pods are deleted or made, never both in one look', () => {
  const job = aJob({ ...independent, parallelism: 2 });
  const pods = [aPod('strange', { index: 7, phase: 'Running' })];
  const plan = planPods(input(job, pods), countPods(input(job, pods), undefined));
  assert.deepEqual([names(plan.toDelete), plan.toCreate], [['strange'], 0]);
});

test('what is ended with its Job has not failed its index', () => {
  const job = aJob({ completionMode: 'Indexed', completions: 3, backoffLimitPerIndex: 0, maxFailedIndexes: 0 });
  const pods = [aPod('failed', { index: 2 }), aPod('running', { index: 0, phase: 'Running' })];
  const failing = jobCondition('FailureTarget', 'True', 'MaxFailedIndexesExceeded', '', nowMs);
  const count = countPods(input(job, pods), failing);
  assert.deepEqual([...count.failedIndexes], [2]);
  assert.deepEqual([...count.newFailed].sort(), ['failed', 'running']);
});
