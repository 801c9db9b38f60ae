import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '../../../generated/core-v1.ts';
import type { CSINode, StorageClass, VolumeAttachment } from '../../../generated/storage-v1.ts';
import { NodeCache } from '../node-cache.ts';
import { Blocked, type Change, type Snapshot, snapshotOf } from '../plugin.ts';
import { viewOf } from '../pod-view.ts';
import { nodeVolumeLimits } from './node-volume-limits.ts';

const driver = 'disk.example.com';
const claims: Record<string, Partial<PersistentVolumeClaim['spec']>> = {
  one: { volumeName: 'v1' },
  two: { volumeName: 'v2' },
  'one-again': { volumeName: 'v1-again' },
  unbound: { storageClassName: 'disks' },
  local: { volumeName: 'local' },
};
const csi = (volumeHandle: string) => ({ csi: { driver, volumeHandle } });
const volumes: Record<string, object> = {
  v1: csi('h1'),
  v2: csi('h2'),
  'v1-again': csi('h1'),
  v3: csi('h3'),
  local: { local: { path: '/data' } },
};

const csiNode = (count?: number, name = driver) =>
  ({
    metadata: { name: 'a' },
    spec: { drivers: [{ name, ...(count === undefined ? {} : { allocatable: { count } }) }] },
  }) as CSINode;

function aPod(name: string, ...used: (string | Omit<Volume, 'name'>)[]): Pod {
  const sources = used.map((each) =>
    typeof each === 'string' ? { persistentVolumeClaim: { claimName: each } } : each,
  );
  return {
    metadata: { name, namespace: 'ns' },
    spec: { containers: [], volumes: sources.map((source, index) => ({ name: `v${index}`, ...source })) },
  };
}

function worldOf(limits: CSINode | undefined, there: readonly Pod[], attached: readonly string[]): Snapshot {
  const cache = new NodeCache();
  cache.setNode({ metadata: { name: 'a' }, spec: {} });
  for (const pod of there) cache.place(pod, 'a');
  const storage = {
    claim: (namespace: string, name: string) =>
      claims[name] && ({ metadata: { namespace, name }, spec: claims[name] } as PersistentVolumeClaim),
    volume: (name: string) => volumes[name] && ({ metadata: { name }, spec: volumes[name] } as PersistentVolume),
    volumes: () => [],
    storageClass: (name: string) => ({ metadata: { name }, provisioner: driver }) as StorageClass,
    csiNode: () => limits,
    attachmentsTo: (nodeName: string) =>
      attached.map((persistentVolumeName) => ({
        spec: { attacher: driver, nodeName, source: { persistentVolumeName } },
      })) as VolumeAttachment[],
  };
  return snapshotOf(cache, { namespaceLabels: () => undefined, services: () => [], storage });
}

function reason(pod: Pod, snapshot: Snapshot): string {
  const asked = nodeVolumeLimits.prepare(viewOf(pod), snapshot);
  assert.ok(!(asked instanceof Blocked));
  return asked?.(snapshot.nodes[0]!)[0]?.reason ?? 'will do';
}

const full = 'node(s) exceed max volume count';
const ebs = (volumeID: string) => ({ awsElasticBlockStore: { volumeID } });
interface Case {
  readonly name: string;
  readonly limits?: CSINode;
  readonly pod: Pod;
  readonly there?: readonly Pod[];
  readonly attached?: readonly string[];
  readonly want: string;
}
const cases: readonly Case[] = [
  {
    name: 'goes to a node with room',
    limits: csiNode(2),
    pod: aPod('p', 'one'),
    there: [aPod('q', 'two')],
    want: 'will do',
  },
  {
    name: 'is refused by a full one',
    limits: csiNode(1),
    pod: aPod('p', 'one'),
    there: [aPod('q', 'two')],
    want: full,
  },
  { name: 'may bring several at once', limits: csiNode(1), pod: aPod('p', 'one', 'two'), want: full },
  { name: 'finds no room where nothing may be attached', limits: csiNode(0), pod: aPod('p', 'one'), want: full },
  {
    name: 'shares what is there',
    limits: csiNode(1),
    pod: aPod('p', 'one'),
    there: [aPod('q', 'one-again')],
    want: 'will do',
  },
  {
    name: 'counts a claim that has no volume yet',
    limits: csiNode(1),
    pod: aPod('p', 'unbound'),
    there: [aPod('q', 'one')],
    want: full,
  },
  {
    name: 'counts unbound claims that are there',
    limits: csiNode(1),
    pod: aPod('p', 'one'),
    there: [aPod('q', 'unbound')],
    want: full,
  },
  { name: 'meets volumes that no pod uses', limits: csiNode(1), pod: aPod('p', 'one'), attached: ['v3'], want: full },
  {
    name: 'meets its pods’ volumes once',
    limits: csiNode(2),
    pod: aPod('p', 'one'),
    there: [aPod('q', 'two')],
    attached: ['v2'],
    want: 'will do',
  },
  { name: 'is not limited by other drivers', limits: csiNode(0, 'other'), pod: aPod('p', 'one'), want: 'will do' },
  { name: 'is not limited where no limit is named', limits: csiNode(), pod: aPod('p', 'one'), want: 'will do' },
  { name: 'is not limited on a node without drivers', pod: aPod('p', 'one'), want: 'will do' },
  { name: 'does not count what is not attached', limits: csiNode(0), pod: aPod('p', 'local'), want: 'will do' },
  {
    name: 'counts disks of old kinds for their drivers',
    limits: csiNode(1, 'ebs.csi.aws.com'),
    pod: aPod('p', ebs('x')),
    there: [aPod('q', ebs('y'))],
    want: full,
  },
  {
    name: 'needs its claims',
    pod: aPod('p', 'none'),
    want: 'looking up PVC ns/none: persistentvolumeclaim "none" not found',
  },
];
for (const { name, limits, pod, there = [], attached = [], want } of cases) {
  test(`a pod with volumes ${name}`, () => assert.equal(reason(pod, worldOf(limits, there, attached)), want));
}

test('only what can make room for volumes wakes a pod', () => {
  const snapshot = worldOf(undefined, [], []);
  const helps = (change: Change) => nodeVolumeLimits.helps!(viewOf(aPod('p', 'one')), change, snapshot);
  const raised = (count: number) =>
    helps({ type: 'volumes', stored: { kind: 'csi-node', object: csiNode(count), previous: csiNode(2) } });
  assert.equal(helps({ type: 'pod-gone', pod: viewOf(aPod('q', 'two')) }), true);
  assert.equal(helps({ type: 'pod-gone', pod: viewOf(aPod('q', { emptyDir: {} })) }), false);
  assert.deepEqual([raised(3), raised(2), raised(1)], [true, false, false]);
  assert.equal(helps({ type: 'volumes', stored: { kind: 'csi-node', object: csiNode(2) } }), true);
  assert.equal(helps({ type: 'volumes', stored: { kind: 'attachment' } }), true);
  assert.equal(helps({ type: 'volumes', stored: { kind: 'claim', key: 'ns/other' } }), false);
});
