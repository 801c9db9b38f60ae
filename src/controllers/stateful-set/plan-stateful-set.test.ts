import assert from 'node:assert/strict';
import test from 'node:test';
import type { StatefulSet, StatefulSetSpec } from '../../../generated/apps-v1.ts';
import type { PersistentVolumeClaim, Pod } from '../../../generated/core-v1.ts';
import { planClaimOwners } from './claim-control.ts';
import { planStatefulSet, planStatefulStatus } from './plan-stateful-set.ts';
import { statefulPod } from './stateful-pod.ts';

const nowMs = Date.UTC(2030, 0, 2);

function aSet(spec: Partial<StatefulSetSpec> = {}): StatefulSet {
  return {
    metadata: { name: 'web', namespace: 'ns', uid: 'set', generation: 3 },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } },
      podManagementPolicy: 'OrderedReady',
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      ...spec,
    },
  } as StatefulSet;
}

/** `2 ready new`, `0 unready`, `1 going`: ordinal, state, and whether it is of the new revision. */
function aPod(text: string): Pod {
  const [ordinal, state, revision] = text.split(' ');
  const phases: Record<string, string> = { pending: 'Pending', failed: 'Failed', succeeded: 'Succeeded' };
  const isReady = state === 'ready' || state === 'going';
  return {
    metadata: {
      name: `web-${ordinal}`,
      uid: `uid-${ordinal}`,
      labels: { 'controller-revision-hash': revision === 'new' ? 'web-new' : 'web-old' },
      ...(state === 'going' ? { deletionTimestamp: '2030-01-01T00:00:00Z' } : {}),
    },
    status: {
      phase: phases[state ?? ''] ?? 'Running',
      conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime: '2030-01-01T23:59:55Z' }],
    },
  } as unknown as Pod;
}

function plan(set: StatefulSet, pods: readonly string[], update = 'web-old') {
  const input = { set, pods: pods.map(aPod), current: 'web-old', update, collisionCount: 0, nowMs };
  const planned = planStatefulSet(input);
  return [
    ...planned.create.map(({ ordinal, isCurrent }) => `create ${ordinal}${isCurrent ? ' old' : ''}`),
    ...planned.delete.map(({ metadata }) => `delete ${metadata.name}`),
  ];
}

const parallel = { podManagementPolicy: 'Parallel' } as const;
const old = ['0 ready', '1 ready', '2 ready'];

for (const { name, spec = {}, pods, update, want } of [
  { name: 'makes the first pod alone', pods: [], want: ['create 0'] },
  { name: 'waits for a pod that is not ready', pods: ['0 unready'], want: [] },
  { name: 'goes on when the one before is ready', pods: ['0 ready'], want: ['create 1'] },
  { name: 'waits until a pod is available', spec: { minReadySeconds: 10 }, pods: ['0 ready'], want: [] },
  { name: 'makes all at once when Parallel', spec: parallel, pods: ['1 unready'], want: ['create 0', 'create 2'] },
  { name: 'starts at its first ordinal', spec: { ordinals: { start: 5 } }, pods: ['5 ready'], want: ['create 6'] },
  { name: 'replaces a pod that failed', pods: ['0 failed'], want: ['delete web-0'] },
  { name: 'replaces a pod that succeeded', pods: ['0 succeeded'], want: ['delete web-0'] },
  { name: 'lets a pod go before it comes back', pods: ['0 going', '1 ready', '2 ready'], want: [] },
  { name: 'scales down from the top, one by one', spec: { replicas: 1 }, pods: old, want: ['delete web-2'] },
  {
    name: 'scales down all at once',
    spec: { ...parallel, replicas: 1 },
    pods: old,
    want: ['delete web-2', 'delete web-1'],
  },
  { name: 'does not scale down below a broken pod', spec: { replicas: 1 }, pods: ['0 unready', '1 ready'], want: [] },
  {
    name: 'scales down a broken pod that nothing waits for',
    spec: { replicas: 1 },
    pods: ['0 ready', '1 unready'],
    want: ['delete web-1'],
  },
  {
    name: 'waits for a lower broken pod among those that go',
    spec: { replicas: 1 },
    pods: ['0 ready', '1 unready', '2 unready'],
    want: [],
  },
  { name: 'updates the highest first', pods: old, update: 'web-new', want: ['delete web-2'] },
  {
    name: 'updates the next when the one above works',
    pods: ['0 ready', '1 ready', '2 ready new'],
    update: 'web-new',
    want: ['delete web-1'],
  },
  {
    name: 'updates nothing while a pod is broken',
    pods: ['0 unready', '1 ready', '2 ready'],
    update: 'web-new',
    want: [],
  },
  {
    name: 'updates down to the partition',
    spec: { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
    pods: ['0 ready', '1 ready', '2 ready new'],
    update: 'web-new',
    want: [],
  },
  {
    name: 'makes pods below the partition of the old revision',
    spec: { ...parallel, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 2 } } },
    pods: [],
    update: 'web-new',
    want: ['create 0 old', 'create 1 old', 'create 2'],
  },
  {
    name: 'leaves updates to others',
    spec: { updateStrategy: { type: 'OnDelete' } },
    pods: old,
    update: 'web-new',
    want: [],
  },
  { name: 'updates one at a time when Parallel', spec: parallel, pods: old, update: 'web-new', want: ['delete web-2'] },
] as { name: string; spec?: Partial<StatefulSetSpec>; pods: string[]; update?: string; want: string[] }[]) {
  test(`a StatefulSet ${name}`, () => assert.deepEqual(plan(aSet(spec), pods, update), want));
}

test('a finished update becomes the current revision', () => {
  const pods = ['0 ready new', '1 ready new', '2 ready new'].map(aPod);
  const input = { set: aSet(), pods, current: 'web-old', update: 'web-new', collisionCount: 0, nowMs };
  assert.deepEqual(planStatefulStatus(input).status, {
    observedGeneration: 3,
    replicas: 3,
    readyReplicas: 3,
    currentReplicas: 3,
    updatedReplicas: 3,
    currentRevision: 'web-new',
    updateRevision: 'web-new',
    collisionCount: 0,
    availableReplicas: 3,
  });
});

test('the status is looked at again when a ready pod becomes available', () => {
  const set = aSet({ minReadySeconds: 10 });
  const input = { set, pods: [aPod('0 ready')], current: 'a', update: 'a', collisionCount: 0, nowMs };
  assert.equal(planStatefulStatus(input).recheckMs, 5000);
});

test('a pod uses the claims of its name, in place of a volume of that name', () => {
  const claim = { metadata: { name: 'data' }, spec: {} } as PersistentVolumeClaim;
  const set = aSet({ volumeClaimTemplates: [claim], serviceName: 'svc' });
  const volumes = [
    { name: 'data', emptyDir: {} },
    { name: 'tmp', emptyDir: {} },
  ];
  const pod = statefulPod(set, 1, { template: { spec: { containers: [], volumes } }, revision: 'web-new' });
  assert.deepEqual(pod.spec?.volumes, [
    { name: 'data', persistentVolumeClaim: { claimName: 'data-web-1' } },
    { name: 'tmp', emptyDir: {} },
  ]);
  assert.equal(pod.spec?.hostname, 'web-1');
  assert.equal(pod.spec?.subdomain, 'svc');
});

for (const { whenDeleted, whenScaled, ordinal, want } of [
  { whenDeleted: 'Retain', whenScaled: 'Retain', ordinal: 5, want: [] },
  { whenDeleted: 'Delete', whenScaled: 'Retain', ordinal: 0, want: ['StatefulSet'] },
  { whenDeleted: 'Delete', whenScaled: 'Retain', ordinal: 5, want: ['StatefulSet'] },
  { whenDeleted: 'Retain', whenScaled: 'Delete', ordinal: 0, want: [] },
  { whenDeleted: 'Retain', whenScaled: 'Delete', ordinal: 5, want: ['Pod'] },
  { whenDeleted: 'Delete', whenScaled: 'Delete', ordinal: 0, want: ['StatefulSet'] },
  { whenDeleted: 'Delete', whenScaled: 'Delete', ordinal: 5, want: ['Pod'] },
]) {
  const whose = ordinal < 3 ? 'a running pod' : 'a pod scaled away';
  test(`the claim of ${whose} is owned by [${want}] when deleted ${whenDeleted}, scaled ${whenScaled}`, () => {
    const set = aSet({ persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled } });
    const claim = { metadata: { name: 'data', ownerReferences: [] } } as unknown as PersistentVolumeClaim;
    const owners = planClaimOwners(set, aPod(`${ordinal} ready`), claim);
    assert.deepEqual(
      owners?.map(({ kind }) => kind),
      want,
    );
  });
}
