import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSet } from '../../../generated/apps-v1.ts';
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { planDaemonStatus, planPlacement } from './plan-daemons.ts';

const nowMs = Date.UTC(2030, 0, 1);
const set = {
  metadata: { name: 'd', generation: 2 },
  spec: {
    minReadySeconds: 10,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    template: { spec: { containers: [] } },
  },
} as unknown as DaemonSet;
const nodes = [{ metadata: { name: 'n' }, spec: {}, status: {} }] as Node[];

function daemon(name: string, hash: string, readySeconds: number | undefined): Pod {
  const since = new Date(nowMs - (readySeconds ?? 0) * 1000).toISOString();
  return {
    metadata: { name, creationTimestamp: since, labels: { 'controller-revision-hash': hash } },
    spec: { nodeName: 'n', containers: [] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: readySeconds === undefined ? 'False' : 'True', lastTransitionTime: since }],
    },
  } as unknown as Pod;
}

const input = (pods: Pod[]) => ({ set, nodes, pods: new Map([['n', pods]]), hash: 'new', nowMs });

test('while an old daemon waits for its successor, the set is looked at again when that becomes available', () => {
  const { status, recheckMs } = planDaemonStatus(input([daemon('old', 'was', 500), daemon('fresh', 'new', 4)]));
  assert.equal(recheckMs, 6_000);
  assert.equal(status.numberAvailable, 1);
});

for (const { name, pods, gone } of [
  { name: 'an old daemon stays until the new one is available', pods: [500, 4], gone: [] },
  { name: 'it goes when the new one is', pods: [500, 11], gone: ['old'] },
  { name: 'one that is not ready goes at once', pods: [undefined, undefined], gone: ['old'] },
])
  test(name, () => {
    const plan = planPlacement(input([daemon('old', 'was', pods[0]), daemon('fresh', 'new', pods[1])]));
    assert.deepEqual(
      plan.delete.map(({ metadata }) => metadata.name),
      gone,
    );
  });
