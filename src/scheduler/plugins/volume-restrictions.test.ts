import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolumeClaim, Pod, Volume } from '../../../generated/core-v1.ts';
import { NodeCache } from '../node-cache.ts';
import { Blocked, type Snapshot, snapshotOf } from '../plugin.ts';
import { viewOf } from '../pod-view.ts';
import { volumeRestrictions } from './volume-restrictions.ts';

const claim = { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOncePod'] } } as PersistentVolumeClaim;

const aPod = (name: string, volume: Omit<Volume, 'name'>): Pod => ({
  metadata: { name, namespace: 'ns' },
  spec: { containers: [], volumes: [{ name: 'v', ...volume }] },
});
const withClaim = (name: string) => aPod(name, { persistentVolumeClaim: { claimName: 'data' } });

function aWorld(): Snapshot {
  const cache = new NodeCache();
  for (const name of ['a', 'b']) cache.setNode({ metadata: { name }, spec: {} });
  const storage = { claim: () => claim, volume: () => undefined, volumes: () => [], storageClass: () => undefined };
  return snapshotOf(cache, { namespaceLabels: () => undefined, services: () => [], storage });
}

function reasons(pod: Pod, world: Snapshot): string[] {
  const asked = volumeRestrictions.prepare(viewOf(pod), world);
  assert.ok(!(asked instanceof Blocked));
  return world.nodes.map((node) => asked?.(node)[0]?.reason ?? 'will do');
}

const inUse =
  'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';

test('a claim for one pod alone is refused to a second one everywhere, until the first is gone', () => {
  const world = aWorld();
  const holder = viewOf(withClaim('holder'));
  world.cache.placeView(holder, 'a');
  assert.deepEqual(reasons(withClaim('p'), world), [inUse, inUse]);
  const pretence = world.cache.pretend(world.cache.find('a')!);
  pretence.remove(holder);
  assert.deepEqual(reasons(withClaim('p'), world), ['will do', 'will do']);
  pretence.restore();
  assert.deepEqual(reasons(withClaim('p'), world), [inUse, inUse]);
  world.cache.remove('ns/holder');
  assert.deepEqual(reasons(withClaim('p'), world), ['will do', 'will do']);
});

test('pods count as users of a claim while their node exists', () => {
  const { cache } = aWorld();
  cache.place(withClaim('early'), 'later');
  assert.equal(cache.claimUsers.of('ns/data'), 0);
  cache.setNode({ metadata: { name: 'later' }, spec: {} });
  cache.setNode({ metadata: { name: 'later', labels: { x: 'y' } }, spec: {} });
  assert.equal(cache.claimUsers.of('ns/data'), 1);
  cache.removeNode('later');
  assert.equal(cache.claimUsers.of('ns/data'), 0);
  cache.remove('ns/early');
  assert.equal(cache.claimUsers.of('ns/data'), 0);
});

const gce = (readOnly: boolean) => ({ gcePersistentDisk: { pdName: 'd', readOnly } });
const rbd = (image: string, monitors: string[]) => ({ rbd: { pool: 'rbd', image, monitors } });
for (const { name, one, other, isRefused } of [
  { name: 'a disk that somebody writes to', one: gce(true), other: gce(false), isRefused: true },
  { name: 'not a disk that all only read', one: gce(true), other: gce(true), isRefused: false },
  {
    name: 'a disk that is never shared',
    one: { awsElasticBlockStore: { volumeID: 'v', readOnly: true } },
    other: { awsElasticBlockStore: { volumeID: 'v', readOnly: true } },
    isRefused: true,
  },
  { name: 'an image by the same monitors', one: rbd('i', ['x', 'y']), other: rbd('i', ['y']), isRefused: true },
  { name: 'not an image of another cluster', one: rbd('i', ['x']), other: rbd('i', ['y']), isRefused: false },
]) {
  test(`pods on one node do not share ${name}`, () => {
    const world = aWorld();
    world.cache.place(aPod('holder', other), 'a');
    const want = [isRefused ? 'node(s) had no available disk' : 'will do', 'will do'];
    assert.deepEqual(reasons(aPod('p', one), world), want);
  });
}
