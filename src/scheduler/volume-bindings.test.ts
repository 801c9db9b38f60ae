import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PersistentVolume, PersistentVolumeClaim } from '../../generated/core-v1.ts';
import type { StorageClass } from '../../generated/storage-v1.ts';
import { FakeClock } from '../base/clock-fake.ts';
import type { Client } from '../client/client.ts';
import { NodeCache } from './node-cache.ts';
import type { Storage } from './plugin.ts';
import { VolumeBindings } from './volume-bindings.ts';
import { planVolumes } from './volume-plan.ts';

const selectedNode = 'volume.kubernetes.io/selected-node';

/** Two volumes, and claims that wait; what is written is in the cache at once. */
function aWorld(provisioner = 'kubernetes.io/no-provisioner') {
  const claims = new Map<string, PersistentVolumeClaim>();
  const volumes = new Map<string, PersistentVolume>();
  let version = 1;
  const storageClass = { provisioner, volumeBindingMode: 'WaitForFirstConsumer' } as StorageClass;
  const update = async (object: PersistentVolume | PersistentVolumeClaim) => {
    const next = { ...object, metadata: { ...object.metadata, resourceVersion: String(version++) } };
    if ('accessModes' in next.spec! && 'capacity' in next.spec)
      volumes.set(next.metadata.name, next as PersistentVolume);
    else claims.set(next.metadata.name, next as PersistentVolumeClaim);
    return next;
  };
  const bindings = new VolumeBindings({ resource: () => ({ update }) } as unknown as Client, new FakeClock());
  const storage: Storage = {
    claim: (_namespace, name) => claims.get(name),
    volume: (name) => volumes.get(name),
    volumes: () => [...volumes.values()],
    storageClass: () => storageClass,
    taken: () => bindings.taken(),
  };
  const cache = new NodeCache();
  cache.setNode({ metadata: { name: 'a' }, spec: {} });
  const spec = { storageClassName: 'c', accessModes: ['ReadWriteOnce'] };
  return {
    bindings,
    storage,
    node: cache.nodes[0]!,
    addVolume(name: string, storageSize: string) {
      const volume = {
        metadata: { name, resourceVersion: '1' },
        spec: { ...spec, capacity: { storage: storageSize } },
        status: { phase: 'Available' },
      };
      volumes.set(name, volume as unknown as PersistentVolume);
    },
    addClaim(name: string, storageSize = '1Gi') {
      const claim = {
        metadata: { name, namespace: 'ns', uid: name, resourceVersion: '1' },
        spec: { ...spec, resources: { requests: { storage: storageSize } } },
      } as unknown as PersistentVolumeClaim;
      claims.set(name, claim);
      return claim;
    },
    /** What the volume controller does. */
    finish(name: string, volumeName: string) {
      const claim = claims.get(name)!;
      const annotations = { ...claim.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' };
      claims.set(name, {
        ...claim,
        metadata: { ...claim.metadata, annotations },
        spec: { ...claim.spec!, volumeName },
      });
      bindings.changed();
    },
    place: (isGone = () => false) => ({
      nodeName: 'a',
      storage,
      isGone,
      signal: new AbortController().signal,
    }),
    claims,
    volumes,
  };
}

test('two claims of one pod get two volumes, the smaller one the smaller', () => {
  const world = aWorld();
  world.addVolume('large', '5Gi');
  world.addVolume('small', '1Gi');
  const plan = planVolumes([world.addClaim('b', '2Gi'), world.addClaim('a')], world.node, world.storage);
  assert.deepEqual(
    plan?.bind.map(({ claim, volume }) => [claim.metadata.name, volume.metadata.name]),
    [
      ['a', 'small'],
      ['b', 'large'],
    ],
  );
});

test('a volume that one pod was promised is not promised to another', () => {
  const world = aWorld();
  world.addVolume('v', '1Gi');
  const plan = planVolumes([world.addClaim('a')], world.node, world.storage)!;
  {
    using _promise = world.bindings.promise(plan);
    assert.equal(planVolumes([world.addClaim('b')], world.node, world.storage), undefined);
  }
  assert.ok(planVolumes([world.addClaim('b')], world.node, world.storage));
});

test('the pod waits until its claims are bound', async () => {
  const world = aWorld();
  world.addVolume('v', '1Gi');
  const plan = planVolumes([world.addClaim('a')], world.node, world.storage)!;
  const done = world.bindings.carryOut(plan, world.place());
  await new Promise(setImmediate);
  assert.equal(world.volumes.get('v')?.spec?.claimRef?.name, 'a');
  world.finish('a', 'v');
  await done;
});

test('a volume that cannot be made on the node gives the pod back', async () => {
  const world = aWorld('example.com/disk');
  const plan = planVolumes([world.addClaim('a')], world.node, world.storage)!;
  const done = world.bindings.carryOut(plan, world.place());
  const refused = assert.rejects(done, /provisioning failed for PVC "a"/);
  await new Promise(setImmediate);
  const claim = world.claims.get('a')!;
  assert.equal(claim.metadata.annotations?.[selectedNode], 'a');
  world.claims.set('a', { ...claim, metadata: { ...claim.metadata, annotations: {}, resourceVersion: '99' } });
  world.bindings.changed();
  await refused;
});

test('a claim whose node is chosen is bound nowhere else', () => {
  const world = aWorld('example.com/disk');
  const claim = world.addClaim('a');
  claim.metadata.annotations = { [selectedNode]: 'b' };
  assert.equal(planVolumes([claim], world.node, world.storage), undefined);
});

test('nobody waits for the volumes of a pod that is gone', async () => {
  const world = aWorld('example.com/disk');
  const plan = planVolumes([world.addClaim('a')], world.node, world.storage)!;
  await assert.rejects(
    world.bindings.carryOut(
      plan,
      world.place(() => true),
    ),
    /the pod is gone/,
  );
});
