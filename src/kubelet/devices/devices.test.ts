import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { eventually, FakeDevicePlugin } from '../testing/fake-plugins.ts';
import { DeviceManager } from './device-manager.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
const healthy = (...ids: string[]) => ids.map((ID) => ({ ID, health: 'Healthy' }));

/** A manager over `folder`, until disposed. */
async function startManager(folder: string, pods: Set<string>) {
  const stopping = new AbortController();
  const touched: string[] = [];
  const manager = new DeviceManager({
    folder,
    clock: systemClock,
    log: silentLogger,
    activePodUids: () => pods,
    onCapacity: () => undefined,
    onHealth: (uids) => touched.push(...uids),
  });
  await manager.load();
  const running = manager.run(stopping.signal);
  const probe = new FakeDevicePlugin(folder, 'probe.example.com/none', []);
  await eventually(() =>
    probe.register({ version: '' }).then(
      () => true,
      (error) => String(error).includes('not supported'),
    ),
  );
  return {
    manager,
    touched,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-devices-'));
  folders.push(folder);
  return folder;
}

const container = (name: string, count: number, more: Partial<Container> = {}): Container => ({
  name,
  image: 'i',
  resources: { limits: { 'example.com/gpu': String(count) } },
  ...more,
});

const pod = (uid: string, containers: Container[], initContainers: Container[] = []): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: uid, namespace: 'default', uid },
  spec: { containers, initContainers },
});

async function announce(folder: string, manager: DeviceManager, ...ids: string[]): Promise<FakeDevicePlugin> {
  const plugin = new FakeDevicePlugin(folder, 'example.com/gpu', healthy(...ids));
  await plugin.serve();
  await plugin.register();
  await eventually(() => manager.counts().capacity['example.com/gpu'] === String(ids.length));
  return plugin;
}

test('a device plugin’s devices are counted, given once, and given back with their pod', async () => {
  const [folder, pods] = [newFolder(), new Set(['a', 'b', 'c'])];
  await using started = await startManager(folder, pods);
  const { manager } = started;
  await using plugin = await announce(folder, manager, 'd1', 'd2');
  const [a, b, c] = ['a', 'b', 'c'].map((uid) => pod(uid, [container('main', 1)]));
  assert.equal(await manager.admit(a!), undefined);
  assert.equal(await manager.admit(b!), undefined);
  assert.deepEqual(await manager.admit(c!), {
    reason: 'UnexpectedAdmissionError',
    message:
      'Allocate failed due to requested number of devices unavailable for example.com/gpu. Requested: 1, Available: 0, which is unexpected',
  });
  const given = ['a', 'b'].map((uid) => [...manager.allocationsOf(uid, 'main')[0]!.ids].join());
  assert.deepEqual(given.sort(), ['d1', 'd2']);
  pods.delete('a');
  assert.equal(await manager.admit(c!), undefined);
  const [response] = await manager.prepareContainer(c!, c!.spec.containers[0]!);
  assert.equal(response!.envs['DEVICES'], [...manager.allocationsOf('c', 'main')[0]!.ids].join());
  assert.deepEqual(
    plugin.calls.map(({ method }) => method),
    ['Allocate', 'Allocate', 'Allocate'],
  );
});

test('what was given is known after a restart, and the resource is empty until its plugin is back', async () => {
  const [folder, pods] = [newFolder(), new Set(['a', 'b'])];
  {
    await using started = await startManager(folder, pods);
    await using _ = await announce(folder, started.manager, 'd1', 'd2');
    assert.equal(await started.manager.admit(pod('a', [container('main', 1)])), undefined);
  }
  await using started = await startManager(folder, pods);
  const { manager } = started;
  assert.deepEqual(manager.counts().allocatable, { 'example.com/gpu': '0' });
  const [kept] = manager.allocationsOf('a', 'main');
  assert.equal(kept!.response.envs['DEVICES'], [...kept!.ids].join());
  const rejection = await manager.admit(pod('b', [container('main', 1)]));
  assert.match(rejection!.message, /no healthy devices present; cannot allocate unhealthy devices example.com\/gpu/);
  await using _ = await announce(folder, manager, 'd1', 'd2');
  assert.equal(await manager.admit(pod('b', [container('main', 1)])), undefined);
  assert.notDeepEqual(manager.allocationsOf('b', 'main')[0]!.ids, kept!.ids);
});

test('containers have what init containers are done with, the plugin is asked what it prefers and before a start', async () => {
  const [folder, pods] = [newFolder(), new Set(['a'])];
  await using started = await startManager(folder, pods);
  const { manager } = started;
  const plugin = new FakeDevicePlugin(folder, 'example.com/gpu', healthy('d1', 'd2', 'd3', 'd4'));
  plugin.preferred = ['d3'];
  plugin.preStartRequired = true;
  await using _ = plugin;
  await plugin.serve();
  await plugin.register();
  await eventually(() => manager.counts().capacity['example.com/gpu'] === '4');
  const sidecar = container('side', 1, { restartPolicy: 'Always' });
  const asking = pod('a', [container('main', 2)], [container('first', 1), sidecar]);
  assert.equal(await manager.admit(asking), undefined);
  const ids = (name: string) => [...manager.allocationsOf('a', name)[0]!.ids];
  assert.deepEqual(ids('first'), ['d3']);
  assert.deepEqual(ids('side'), ['d3'], 'a sidecar takes what the init container before it has left');
  assert.equal(ids('main').includes('d3'), false, 'and keeps it');
  await manager.prepareContainer(asking, asking.spec.containers[0]!);
  const before = plugin.calls.filter(({ method }) => method === 'PreStartContainer');
  assert.deepEqual(
    before.map(({ request }) => request.devicesIds),
    [ids('main')],
  );
});

test('devices that fall ill are told to their pods; with the plugin gone, all have', async () => {
  const [folder, pods] = [newFolder(), new Set(['a'])];
  await using started = await startManager(folder, pods);
  const { manager, touched } = started;
  await using plugin = await announce(folder, manager, 'd1', 'd2');
  assert.equal(await manager.admit(pod('a', [container('main', 2)])), undefined);
  plugin.tell([{ ID: 'd1', health: 'Unhealthy' }, ...healthy('d2')]);
  await eventually(() => touched.includes('a'));
  assert.equal(manager.isHealthy('example.com/gpu', 'd1'), false);
  assert.deepEqual(manager.counts(), {
    capacity: { 'example.com/gpu': '2' },
    allocatable: { 'example.com/gpu': '1' },
  });
  await plugin[Symbol.asyncDispose]();
  await eventually(() => manager.counts().allocatable['example.com/gpu'] === '0');
  assert.equal(manager.counts().capacity['example.com/gpu'], '2', 'it may be back in a moment');
});

test('plugins that are wrong are refused, and do not disturb the others', async () => {
  const folder = newFolder();
  await using started = await startManager(folder, new Set(['a']));
  const { manager } = started;
  await using good = await announce(folder, manager, 'd1');
  const bad = new FakeDevicePlugin(folder, 'example.com/gpu', []);
  for (const [change, problem] of [
    [{ version: 'v1alpha' }, /requested API version "v1alpha" is not supported by kubelet/],
    [{ resourceName: 'cpu' }, /the ResourceName "cpu" is invalid/],
    [{ resourceName: 'kubernetes.io/x' }, /the ResourceName "kubernetes.io\/x" is invalid/],
    [{ resourceName: 'a'.repeat(300) }, /is invalid/],
    [{ endpoint: '../../evil.sock' }, /the endpoint "..\/..\/evil.sock" is invalid/],
  ] as const)
    await assert.rejects(bad.register(change), problem);
  writeFileSync(join(folder, 'kubelet_internal_checkpoint'), '{"Data":{},"Checksum":1}');
  // Too many devices for one message, as in Go: the list ends, and the resource has none.
  const flood = new FakeDevicePlugin(folder, 'example.com/flood', healthy(...Array(100_000).fill('x'.repeat(60))));
  await using _ = flood;
  await flood.serve();
  await flood.register();
  good.allocate = () => {
    throw new Error('out of order');
  };
  const rejection = await manager.admit(pod('a', [container('main', 1)]));
  assert.equal(
    rejection!.message,
    'Allocate failed due to rpc error: code = Unknown desc = out of order, which is unexpected',
  );
  good.allocate = () => ({ containerResponses: [] });
  const empty = await manager.admit(pod('a', [container('main', 1)]));
  assert.match(empty!.message, /no containers return in allocation response/);
  assert.equal(manager.counts().allocatable['example.com/flood'], '0');
});
