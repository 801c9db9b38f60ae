import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { shortages, victimsFor } from './preemption.ts';

const pod = (name: string, cpu: string, { limits = false, priority = 0 } = {}): Pod => {
  const requests = { cpu, memory: '1Mi' };
  return {
    metadata: { name, uid: name },
    spec: { priority, containers: [{ name: 'c', resources: { requests, ...(limits ? { limits: requests } : {}) } }] },
  };
};
const critical = pod('critical', '500m', { priority: 2e9 });
const room = { nodeName: 'n', allocatable: { cpu: '1', pods: '110' } };

for (const { name, others, want } of [
  { name: 'nobody where there is room', others: [pod('a', '400m')], want: [] },
  { name: 'the one that is just enough', others: [pod('a', '100m'), pod('b', '300m'), pod('c', '600m')], want: ['c'] },
  {
    name: 'lower classes before better ones',
    others: [pod('guaranteed', '600m', { limits: true }), pod('burstable', '400m')],
    want: ['guaranteed'],
  },
  {
    name: 'none that is critical itself',
    others: [pod('system', '400m', { priority: 2e9 }), pod('a', '600m')],
    want: ['a'],
  },
])
  test(`victimsFor chooses ${name}`, () => {
    const victims = victimsFor(critical, others, shortages(critical, others, room));
    assert.deepEqual(
      victims.map(({ metadata }) => metadata.name),
      want,
    );
  });

test('victimsFor says what all of them together do not have', () => {
  const others = [pod('system', '800m', { priority: 2e9 })];
  assert.throws(
    () => victimsFor(critical, others, shortages(critical, others, room)),
    /no set of running pods found to reclaim resources: \[\(res: cpu, q: 300\), \]/,
  );
});
