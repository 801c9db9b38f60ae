import assert from 'node:assert/strict';
import { test } from 'node:test';
import { millisOf, unitsOf } from '../../api/meta/quantity.ts';
import type { VerticalPodAutoscaler } from '../../api/vertical-pod-autoscaler/types.ts';
import { recommend } from './estimate.ts';
import { ContainerUsage, SeenContainer } from './usage.ts';

const start = Date.UTC(2030, 0, 1);
const minute = 60_000;
const mi = 2 ** 20;

const vpa = (containerPolicies: object[] = []): VerticalPodAutoscaler =>
  ({ metadata: { name: 'v' }, spec: { resourcePolicy: { containerPolicies } } }) as unknown as VerticalPodAutoscaler;

/** So many minutes of a container that uses the same all the time. */
function used(cores: number, bytes: number, minutes: number): ContainerUsage {
  const usage = new ContainerUsage();
  const seen = new SeenContainer(usage);
  for (let at = 0; at < minutes; at++) seen.add(cores, bytes, start + at * minute);
  return usage;
}

const only = (spec: VerticalPodAutoscaler, usage: ContainerUsage) =>
  recommend(spec, new Map([['c', usage]])).containerRecommendations![0]!;

test('the target lies a margin above what is used, the bounds close in on it with time', () => {
  const day = only(vpa(), used(0.5, 600 * mi, 24 * 60));
  assert.ok(millisOf(day.target['cpu']) > 575 && millisOf(day.target['cpu']) < 650, day.target['cpu']);
  assert.ok(unitsOf(day.target['memory']) > 690 * mi && unitsOf(day.target['memory']) < 760 * mi);
  // After a day, twice the target, and nearly all of it.
  assert.ok(Math.abs(millisOf(day.upperBound!['cpu']) / millisOf(day.target['cpu']) - 2) < 0.01);
  assert.ok(millisOf(day.lowerBound!['cpu']) / millisOf(day.target['cpu']) > 0.99);
  const hour = only(vpa(), used(0.5, 600 * mi, 60));
  assert.ok(millisOf(hour.upperBound!['cpu']) > 20 * millisOf(hour.target['cpu']));
  assert.ok(millisOf(hour.lowerBound!['cpu']) < 0.97 * millisOf(hour.target['cpu']));
});

test('one sample says nothing about the most', () => {
  const { target, lowerBound, upperBound } = only(vpa(), used(0.001, mi, 1));
  assert.deepEqual(target, { cpu: '25m', memory: '250Mi' });
  assert.deepEqual(lowerBound, target);
  assert.deepEqual(upperBound, { cpu: '100G', memory: '97656250000Ki' });
});

test('containers of a pod share the least there is', () => {
  const both = recommend(
    vpa(),
    new Map([
      ['b', new ContainerUsage()],
      ['a', new ContainerUsage()],
    ]),
  );
  assert.deepEqual(
    both.containerRecommendations?.map(({ containerName, target }) => [containerName, target]),
    [
      ['a', { cpu: '12m', memory: '125Mi' }],
      ['b', { cpu: '12m', memory: '125Mi' }],
    ],
  );
});

test('policies bound the target, choose resources, and turn containers off', () => {
  const bounded = only(
    vpa([{ containerName: '*', minAllowed: { cpu: '1' }, maxAllowed: { memory: '300Mi' } }]),
    used(0.5, 600 * mi, 60),
  );
  assert.equal(bounded.target['cpu'], '1');
  assert.equal(bounded.target['memory'], '300Mi');
  assert.notEqual(bounded.uncappedTarget!['cpu'], '1');
  const cpuOnly = only(vpa([{ containerName: 'c', controlledResources: ['cpu'] }]), used(0.5, mi, 60));
  assert.deepEqual(Object.keys(cpuOnly.target), ['cpu']);
  assert.deepEqual(recommend(vpa([{ containerName: 'c', mode: 'Off' }]), new Map([['c', used(1, mi, 5)]])), {});
});

test('a container that was killed for want of memory is given more', () => {
  const usage = new ContainerUsage();
  const seen = new SeenContainer(usage);
  seen.add(0.1, 900 * mi, start);
  seen.killed(1000 * mi, start + minute);
  const { target } = only(vpa(), usage);
  assert.ok(unitsOf(target['memory']) > 1200 * 1.15 * mi, target['memory']);
  assert.ok(unitsOf(target['memory']) < 1200 * 1.15 * 1.06 * mi + 10e6, target['memory']);
});

test('a checkpoint leaves out the peak of the day that has not ended', () => {
  const usage = new ContainerUsage();
  const seen = new SeenContainer(usage);
  seen.add(0.1, 500 * mi, start);
  const saved = usage.save([seen], start + minute);
  assert.deepEqual(saved.memoryHistogram?.bucketWeights, {});
  assert.equal(saved.totalSamplesCount, 1);
  const metadata = { name: 'v-c' };
  const loaded = ContainerUsage.load({ metadata, spec: {}, status: saved } as never)!;
  assert.equal(loaded.samples, 1);
  assert.equal(loaded.cpu.percentile(0.9), usage.cpu.percentile(0.9));
});
