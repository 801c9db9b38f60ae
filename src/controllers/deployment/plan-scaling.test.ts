import assert from 'node:assert/strict';
import test from 'node:test';
import type { Deployment, ReplicaSet } from '../../../generated/apps-v1.ts';
import { planNewest, planOld, planProportional } from './plan-scaling.ts';

interface Shape {
  replicas: number;
  maxSurge?: number | string;
  maxUnavailable?: number | string;
}

function aDeployment({ replicas, maxSurge = 1, maxUnavailable = 0 }: Shape): Deployment {
  const template = { metadata: { name: '' }, spec: { containers: [] } };
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } } as const;
  return { metadata: { name: 'web' }, spec: { replicas, selector: {}, template, strategy } };
}

function aSet(name: string, replicas: number, available: number, max?: number): ReplicaSet {
  const annotations: Record<string, string> = max
    ? { 'deployment.kubernetes.io/desired-replicas': `${max}`, 'deployment.kubernetes.io/max-replicas': `${max}` }
    : {};
  const metadata = { name, uid: name, annotations, creationTimestamp: name };
  return { metadata, spec: { replicas, selector: {} }, status: { replicas, availableReplicas: available } };
}

const steps = (plan: readonly { set: ReplicaSet; replicas: number }[]) =>
  plan.map(({ set, replicas }) => `${set.metadata.name}=${replicas}`);

for (const { name, shape, newest, old, want } of [
  { name: 'grows into the surge', shape: { replicas: 3 }, newest: [0, 0], old: [3, 3], want: ['b=1'] },
  { name: 'waits while there is no room', shape: { replicas: 3 }, newest: [1, 0], old: [3, 3], want: [] },
  {
    name: 'reads a percentage, rounded up',
    shape: { replicas: 3, maxSurge: '50%' },
    newest: [0, 0],
    old: [3, 3],
    want: ['b=2'],
  },
  { name: 'grows at once when nothing else runs', shape: { replicas: 4 }, newest: [0, 0], old: [0, 0], want: ['b=4'] },
  { name: 'shrinks to what is asked', shape: { replicas: 2 }, newest: [4, 4], old: [0, 0], want: ['b=2'] },
] as const) {
  test(`planNewest ${name}`, () => {
    const sets = { newest: aSet('b', newest[0], newest[1]), old: [aSet('a', old[0], old[1])] };
    assert.deepEqual(steps(planNewest(aDeployment(shape), sets)), want);
  });
}

for (const { name, shape, newest, old, want } of [
  { name: 'keeps all while the new are not there', shape: { replicas: 3 }, newest: [1, 0], old: [3, 3], want: [] },
  { name: 'gives one for each new one', shape: { replicas: 3 }, newest: [1, 1], old: [3, 3], want: ['a=2'] },
  { name: 'takes broken ones first', shape: { replicas: 3 }, newest: [1, 1], old: [3, 2], want: ['a=2'] },
  {
    name: 'may go below by what is allowed',
    shape: { replicas: 4, maxSurge: 0, maxUnavailable: 2 },
    newest: [0, 0],
    old: [4, 4],
    want: ['a=2'],
  },
  {
    name: 'does not believe a status older than the last cut',
    shape: { replicas: 5, maxSurge: 3, maxUnavailable: 2 },
    newest: [5, 0],
    old: [5, 8],
    want: ['a=3'],
  },
] as const) {
  test(`planOld ${name}`, () => {
    const sets = { newest: aSet('b', newest[0], newest[1]), old: [aSet('a', old[0], old[1])] };
    assert.deepEqual(steps(planOld(aDeployment(shape), sets)), want);
  });
}

test('planProportional shares growth by size, and gives what is left over to the largest', () => {
  const sets = { newest: aSet('b', 5, 0, 13), old: [aSet('a', 8, 8, 13)] };
  const plan = planProportional(aDeployment({ replicas: 15, maxSurge: 3, maxUnavailable: 2 }), sets);
  assert.deepEqual(steps(plan), ['a=11', 'b=7']);
});

test('planProportional scales the only set that runs', () => {
  const sets = { newest: aSet('b', 3, 3), old: [aSet('a', 0, 0)] };
  assert.deepEqual(steps(planProportional(aDeployment({ replicas: 5 }), sets)), ['b=5']);
});

test('planProportional takes everything away at zero', () => {
  const sets = { newest: aSet('b', 2, 0, 4), old: [aSet('a', 2, 2, 4)] };
  assert.deepEqual(steps(planProportional(aDeployment({ replicas: 0 }), sets)).sort(), ['a=0', 'b=0']);
});
