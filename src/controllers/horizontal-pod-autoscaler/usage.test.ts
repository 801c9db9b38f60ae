import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { plainReplicas, type Sample, utilizationReplicas } from './usage.ts';

const nowMs = Date.parse('2030-01-01T01:00:00Z');
const tolerances = { down: 0.1, up: 0.1 };

type Life = 'ready' | 'unready' | 'pending' | 'failed' | 'deleted' | 'young';

function pod(index: number, life: Life = 'ready', request = '1'): Pod {
  const phase = life === 'pending' ? 'Pending' : life === 'failed' ? 'Failed' : 'Running';
  const startTime = life === 'young' ? '2030-01-01T00:59:50Z' : '2030-01-01T00:00:00Z';
  // Never ready: unready since it started.
  const status = life === 'unready' ? 'False' : 'True';
  return {
    metadata: { name: `p${index}`, ...(life === 'deleted' ? { deletionTimestamp: startTime } : {}) },
    spec: { containers: [{ name: 'c', resources: { requests: { cpu: request } } }] },
    status: { phase, startTime, conditions: [{ type: 'Ready', status, lastTransitionTime: startTime }] },
  } as unknown as Pod;
}

function demand(lives: readonly Life[], usage: readonly (number | undefined)[], resource = 'cpu') {
  const pods = lives.map((life, index) => pod(index, life));
  const samples = new Map<string, Sample>();
  usage.forEach((value, index) => {
    if (value !== undefined) samples.set(`p${index}`, { value, atMs: nowMs - 5_000, windowMs: 60_000 });
  });
  return { pods, samples, resource, current: lives.length, tolerances, nowMs };
}

for (const { name, lives, usage, percent, replicas, utilization } of [
  {
    name: 'scales up by the ratio',
    lives: ['ready', 'ready', 'ready'],
    usage: [300, 500, 700],
    percent: 30,
    replicas: 5,
    utilization: 50,
  },
  {
    name: 'scales down by the ratio',
    lives: ['ready', 'ready', 'ready', 'ready', 'ready'],
    usage: [100, 300, 500, 250, 250],
    percent: 50,
    replicas: 3,
    utilization: 28,
  },
  {
    name: 'stays within the tolerance',
    lives: ['ready', 'ready', 'ready'],
    usage: [1010, 1030, 1020],
    percent: 100,
    replicas: 3,
    utilization: 102,
  },
  {
    name: 'takes pods that never were ready for idle on the way up',
    lives: ['ready', 'ready', 'unready'],
    usage: [500, 700, 9999],
    percent: 30,
    replicas: 4,
    utilization: 60,
  },
  {
    name: 'does not believe a pod that has just started',
    lives: ['ready', 'ready', 'young'],
    usage: [500, 700, 9999],
    percent: 30,
    replicas: 4,
    utilization: 60,
  },
  {
    name: 'leaves out what failed or is deleted',
    lives: ['ready', 'ready', 'failed', 'deleted'],
    usage: [500, 700, 1, 1],
    percent: 30,
    replicas: 4,
    utilization: 60,
  },
  {
    name: 'takes missing pods for busy on the way down',
    lives: ['ready', 'ready', 'ready', 'ready'],
    usage: [100, 100, 100, undefined],
    percent: 50,
    replicas: 3,
    utilization: 10,
  },
  {
    name: 'takes missing pods for idle on the way up',
    lives: ['ready', 'ready', 'ready'],
    usage: [1000, 1000, undefined],
    percent: 20,
    replicas: 10,
    utilization: 100,
  },
  {
    name: 'does not turn round for the sake of missing pods',
    lives: ['ready', 'ready', 'ready'],
    usage: [300, 300, undefined],
    percent: 50,
    replicas: 3,
    utilization: 30,
  },
] as const)
  test(`towards a percentage of requests: ${name}`, () => {
    const proposal = utilizationReplicas(demand(lives, usage), percent, '');
    assert.deepEqual({ replicas: proposal.replicas, utilization: proposal.utilization }, { replicas, utilization });
  });

test('towards an amount a pod: the average counts, ready or not', () => {
  assert.deepEqual(plainReplicas(demand(['ready', 'unready', 'ready'], [20_000, 10_000, 30_000], ''), 15_000), {
    replicas: 4,
    usage: 20_000,
  });
});

test('says what is missing', () => {
  const without = demand(['ready'], [100]);
  without.pods[0]!.spec.containers[0]!.resources = {};
  assert.throws(() => utilizationReplicas(without, 50, ''), {
    message: 'missing request for cpu in container c of Pod p0',
  });
  assert.throws(() => utilizationReplicas(demand(['ready'], [100]), 50, 'x'), {
    message: 'container x not found in Pod p0',
  });
  assert.throws(() => utilizationReplicas(demand(['pending'], [100]), 50, ''), {
    message: 'did not receive metrics for targeted pods (pods might be unready)',
  });
  assert.throws(() => plainReplicas(demand([], [], ''), 50), {
    message: 'no pods returned by selector while calculating replica count',
  });
});
