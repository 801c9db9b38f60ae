import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DaemonSet } from '../../../generated/apps-v1.ts';
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { planDaemonStatus, planPlacement, planRollout } from './plan-daemons.ts';

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

const bare = { ...set, spec: { ...set.spec, minReadySeconds: 0 } } as DaemonSet;
const tainted = { metadata: { name: 'n' }, spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] } } as Node;
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);

test('where pods may be doubled, the next one does not wait until one that is deleted is gone', () => {
  const going = daemon('going', 'new', 500);
  going.metadata.deletionTimestamp = new Date(nowMs).toISOString();
  assert.deepEqual(planPlacement(input([going])).create, ['n']);
});

test('a pod that waits for a node that is gone is deleted; one that ran there is left to the pod collector', () => {
  const waiting = daemon('waiting', 'new', undefined);
  delete waiting.spec.nodeName;
  const pods = new Map([['gone', [waiting, daemon('ran', 'new', 5)]]]);
  assert.deepEqual(names(planPlacement({ ...input([]), nodes: [], pods }).delete), ['waiting']);
});

test('a pod of the same generation is not replaced, whatever its hash', () => {
  const same = daemon('same', 'was', 500);
  same.metadata.labels!['pod-template-generation'] = '1';
  const annotations = { 'deprecated.daemonset.template.generation': '1' };
  const again = { ...bare, metadata: { ...bare.metadata, annotations } } as DaemonSet;
  const plan = planRollout({ ...input([same]), set: again });
  assert.deepEqual([plan.create, plan.delete], [[], []]);
});

test('an old pod where none should run any more goes when others are enough', () => {
  const pods = [daemon('old', 'was', 500)];
  assert.deepEqual(names(planRollout({ ...input(pods), set: bare, nodes: [tainted] }).delete), ['old']);
  const other = { metadata: { name: 'm' }, spec: {} } as Node;
  assert.deepEqual(names(planRollout({ ...input(pods), set: bare, nodes: [tainted, other] }).delete), []);
});
