// Disks that have no record but the nodes' statuses, seen by caches that may be behind, and by a controller that starts again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../../generated/core-v1.ts';
import { nodeKind, persistentVolumeClaimKind, persistentVolumeKind, podKind } from '../../../generated/kinds.ts';
import { FedInformers, startLoneServer } from '../../testing/fed-informers.ts';
import { attachDetachController } from '../attach-detach.ts';

const iscsi = { targetPortal: '10.0.0.5', iqn: 'iqn.2003-01.org.example:disk', lun: 0 };
const disk = 'kubernetes.io/iscsi/10.0.0.5:iqn.2003-01.org.example:disk:0';
const minuteMs = 60_000;
const never = new AbortController().signal;
const outOfService = { key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoExecute' };

const volume = (accessModes: string[], name = 'disk') =>
  ({
    metadata: { name, uid: name, resourceVersion: '1' },
    spec: { accessModes, iscsi, claimRef: { namespace: 'default', name, uid: `${name}-claim` } },
  }) as PersistentVolume;
const claim = (name = 'disk', uid = `${name}-claim`) =>
  ({
    metadata: { namespace: 'default', name, uid, resourceVersion: '1' },
    spec: { volumeName: name },
  }) as PersistentVolumeClaim;

async function start() {
  const server = await startLoneServer();
  const { client, clock } = server;
  const nodes = client.resource(nodeKind);
  const key = (name: string) => ({ namespace: '', name });
  const said = (name: string, status: object) =>
    nodes.patch(key(name), { status } as never, { type: 'merge', subresource: 'status' });
  const ready = (status: 'True' | 'Unknown') => ({ conditions: [{ type: 'Ready', status }] });
  for (const name of ['one', 'two']) {
    const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
    await nodes.create({ metadata: { name, annotations }, spec: {}, status: {} } as never);
    await said(name, ready('True'));
  }
  let objects: [kind: any, object: any][] = [];
  let version = 1;
  let events: string[] = [];
  let informers: FedInformers;
  let reconcile: (disk: string) => Promise<void>;
  const due = new Map<string, number>();
  const show = (kind: any, object: any, type: 'MODIFIED' | 'DELETED' = 'MODIFIED') => {
    objects = [...objects.filter(([, each]) => each.metadata.uid !== object.metadata.uid)];
    if (type !== 'DELETED') objects.push([kind, object]);
    informers.informer(kind).changed(type, object);
  };
  const world = {
    nodes,
    /** A controller that knows nothing but what the server and the caches say. */
    async restart() {
      informers = new FedInformers();
      due.clear();
      events = [];
      const addAfter = (name: string, ms: number) =>
        due.set(name, Math.min(due.get(name) ?? Number.POSITIVE_INFINITY, clock.monotonicMs() + ms));
      const recorder = () => ({
        event: (about: any, _: string, reason: string, message: string) =>
          void events.push(`${about.metadata.name} ${reason}: ${message.trim()}`),
      });
      const context = { ...server.context, informers, recorder };
      const controller = attachDetachController.setup(context, { add: (name) => addAfter(name, 0), addAfter });
      reconcile = (name) => controller.reconcile(name, never);
      for (const [kind, object] of objects) informers.informer<any>(kind).changed('ADDED', object);
      await informers.catchUp(client, nodeKind);
    },
    pod(name: string, nodeName: string, source: object = { persistentVolumeClaim: { claimName: 'disk' } }) {
      const metadata = { namespace: 'default', name, uid: name, resourceVersion: `${version++}` };
      const pod = {
        metadata,
        spec: { nodeName, containers: [], volumes: [{ name: 'data', ...source }] },
      } as unknown as Pod;
      show(podKind, pod);
      return { end: () => show(podKind, pod, 'DELETED') };
    },
    volume: (accessModes: string[], name?: string) => {
      show(persistentVolumeKind, volume(accessModes, name));
      show(persistentVolumeClaimKind, claim(name));
    },
    show,
    /** Works off what is due; the cache of nodes learns of it, or not. */
    async settle(isBehind = false) {
      if (!isBehind) await informers.catchUp(client, nodeKind);
      for (let turn = 0; turn < 20; turn++) {
        const now = [...due].filter(([, atMs]) => atMs <= clock.monotonicMs()).map(([name]) => name);
        for (const name of now) due.delete(name);
        for (const name of now) await reconcile(name);
        if (!isBehind) await informers.catchUp(client, nodeKind);
      }
    },
    async wait(ms: number) {
      await clock.advance(ms);
      await this.settle();
    },
    inUse: (name: string, ...volumesInUse: string[]) => said(name, { volumesInUse }),
    isReady: (name: string, status: 'True' | 'Unknown') => said(name, ready(status)),
    attached: async () => {
      const has = ({ status }: Node) => status?.volumesAttached?.some((each) => each.name === disk);
      return (await nodes.list()).items.filter(has).map(({ metadata }) => metadata.name);
    },
    told: () => events.splice(0),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
  await world.restart();
  return world;
}

test('a disk of an iSCSI target is attached by saying so, under the name that upstream gives it', async () => {
  await using world = await start();
  world.volume(['ReadWriteOnce']);
  const pod = world.pod('a', 'one');
  await world.settle();
  const { status } = await world.nodes.get({ namespace: '', name: 'one' });
  assert.deepEqual(status?.volumesAttached, [{ name: disk, devicePath: '' }]);
  assert.deepEqual(world.told(), ['a SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "disk"']);
  pod.end();
  await world.settle();
  assert.deepEqual(await world.attached(), []);
});

for (const { name, accessModes, want } of [
  { name: 'is for one node', accessModes: ['ReadWriteOnce'], want: ['one'] },
  { name: 'is for one pod, so for one node', accessModes: ['ReadWriteOncePod'], want: ['one'] },
  { name: 'may be anywhere that only reads', accessModes: ['ReadWriteOnce', 'ReadOnlyMany'], want: ['one', 'two'] },
  { name: 'may be anywhere that says nothing', accessModes: [], want: ['one', 'two'] },
])
  test(`a disk ${name}: ${accessModes.join(', ') || 'no access modes'}`, async () => {
    await using world = await start();
    world.volume(accessModes);
    world.pod('a', 'one');
    world.pod('b', 'two');
    await world.settle();
    assert.deepEqual(await world.attached(), want);
  });

test('a disk that pods name themselves is for each of them, and keeps a volume for one node away', async () => {
  await using world = await start();
  const pods = [world.pod('a', 'one', { iscsi }), world.pod('b', 'two', { iscsi })];
  await world.settle();
  assert.deepEqual(await world.attached(), ['one', 'two']);
  assert.deepEqual(world.told(), [
    'a SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "data"',
    'b SuccessfulAttachVolume: AttachVolume.Attach succeeded for volume "data"',
  ]);
  pods[1]!.end();
  await world.settle();
  world.volume(['ReadWriteOnce']);
  world.pod('c', 'two');
  await world.settle();
  assert.deepEqual(await world.attached(), ['one']);
  assert.deepEqual(world.told(), [
    'c FailedAttachVolume: Multi-Attach error for volume "disk" Volume is already used by pod(s) a',
  ]);
  pods[0]!.end();
  await world.settle();
  assert.deepEqual(await world.attached(), ['two']);
});

test('a disk is not given twice by a cache that has not seen the first time', async () => {
  await using world = await start();
  world.volume(['ReadWriteOnce']);
  world.pod('a', 'one');
  await world.settle(true);
  assert.deepEqual(await world.attached(), ['one']);
  world.pod('b', 'two');
  world.pod('a', 'one'); // looked at after the other one from now on
  await world.settle(true);
  assert.deepEqual(await world.attached(), ['one']);
});

test('a disk is not taken from a node that has begun to use it before the cache saw it', async () => {
  await using world = await start();
  world.volume(['ReadWriteOnce']);
  const pod = world.pod('a', 'one');
  await world.settle();
  await world.inUse('one', disk);
  pod.end();
  world.pod('b', 'two');
  await world.settle(true);
  assert.deepEqual(await world.attached(), ['one']);
});

test('a controller that starts again knows from the nodes what is where', async () => {
  await using world = await start();
  world.volume(['ReadWriteOnce']);
  const pod = world.pod('a', 'one');
  await world.settle();
  await world.inUse('one', disk);
  await world.restart();
  world.pod('b', 'two');
  await world.settle();
  assert.deepEqual(await world.attached(), ['one']);
  assert.deepEqual(world.told(), [
    'b FailedAttachVolume: Multi-Attach error for volume "disk" Volume is already used by pod(s) a',
  ]);
  pod.end();
  await world.restart();
  await world.settle();
  assert.deepEqual(await world.attached(), ['one']);
  assert.deepEqual(world.told(), [
    'b FailedAttachVolume: Multi-Attach error for volume "disk" ' +
      "Volume is already exclusively attached to one node and can't be attached to another",
  ]);
  await world.inUse('one');
  await world.restart();
  await world.settle();
  assert.deepEqual(await world.attached(), ['two']);
});

for (const { name, happens, soonerMs } of [
  { name: 'is ready', happens: async () => undefined, soonerMs: Number.POSITIVE_INFINITY },
  {
    name: 'does not answer',
    happens: (world: World) => world.isReady('one', 'Unknown'),
    soonerMs: 6 * minuteMs,
  },
  {
    name: 'is gone',
    happens: (world: World) => world.nodes.delete({ namespace: '', name: 'one' }),
    soonerMs: 6 * minuteMs,
  },
  {
    name: 'is out of service',
    happens: (world: World) =>
      world.nodes.patch({ namespace: '', name: 'one' }, { spec: { taints: [outOfService] } } as never, {
        type: 'merge',
      }),
    soonerMs: 0,
  },
])
  test(`a disk in use on a node that ${name} ${soonerMs > 6 * minuteMs ? 'stays' : `goes after ${soonerMs / minuteMs} minutes`}`, async () => {
    await using world = await start();
    world.volume(['ReadWriteOnce']);
    const pod = world.pod('a', 'one');
    await world.settle();
    await world.inUse('one', disk);
    await world.settle();
    await happens(world);
    pod.end();
    world.pod('b', 'two');
    await world.settle();
    const isOnTwo = async () => (await world.attached()).includes('two');
    assert.equal(await isOnTwo(), soonerMs === 0);
    await world.wait(5 * minuteMs);
    assert.equal(await isOnTwo(), soonerMs === 0);
    await world.wait(2 * minuteMs);
    assert.equal(await isOnTwo(), soonerMs <= 6 * minuteMs);
    if (await isOnTwo()) return;
    await world.inUse('one');
    await world.settle();
    assert.equal(await isOnTwo(), true, 'it goes when the node has given it back');
  });

test('a disk is attached to no node that attaches for itself', async () => {
  await using world = await start();
  const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': null };
  await world.nodes.patch({ namespace: '', name: 'one' }, { metadata: { annotations } } as never, { type: 'merge' });
  await world.settle();
  world.volume(['ReadWriteOnce']);
  world.pod('a', 'one');
  world.pod('b', 'two');
  await world.settle();
  assert.deepEqual(await world.attached(), ['two']);
});

test('a disk is told once more to a node that was made anew', async () => {
  await using world = await start();
  world.volume(['ReadWriteOnce']);
  world.pod('a', 'one');
  await world.settle();
  const { metadata } = await world.nodes.get({ namespace: '', name: 'one' });
  await world.nodes.delete({ namespace: '', name: 'one' });
  await world.nodes.create({ metadata: { name: 'one', annotations: metadata.annotations }, spec: {} } as never);
  await world.settle();
  assert.deepEqual(await world.attached(), ['one']);
});

test('a claim that is made again under its name has nothing of the volume before', async () => {
  await using world = await start();
  world.volume(['ReadWriteOnce']);
  world.show(persistentVolumeClaimKind, claim('disk'), 'DELETED');
  world.show(persistentVolumeClaimKind, { ...claim('disk', 'another'), spec: { volumeName: 'other' } } as never);
  world.pod('a', 'one');
  await world.settle();
  assert.deepEqual(await world.attached(), []);
});

type World = Awaited<ReturnType<typeof start>>;
