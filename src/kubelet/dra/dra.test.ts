import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import type { ResourceClaim } from '../../../generated/resource-v1.ts';
import { systemClock } from '../../base/clock.ts';
import { silentLogger } from '../../base/log.ts';
import { createPluginWatcher } from '../plugin-registration/plugin-watcher.ts';
import { eventually, FakeDraDriver } from '../testing/fake-plugins.ts';
import { DraManager } from './dra-manager.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
const driverName = 'gpu.example.com';

const pod = (name: string, claims: string[] = ['c']): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: `uid-${name}` },
  spec: {
    containers: [{ name: 'main', image: 'i', resources: { claims: claims.map((each) => ({ name: each })) } }],
    resourceClaims: claims.map((each) => ({ name: each, resourceClaimName: each })),
  },
});

const claim = (name: string, users: readonly string[]): ResourceClaim =>
  ({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: { name, namespace: 'default', uid: `claim-${name}` },
    spec: {},
    status: {
      allocation: { devices: { results: [{ driver: driverName, pool: 'p', device: 'd', request: 'r' }] } },
      reservedFor: users.map((each) => ({ resource: 'pods', name: each, uid: `uid-${each}` })),
    },
  }) as ResourceClaim;

async function start(folder: string, claims: ReadonlyMap<string, ResourceClaim>, active = new Set<string>()) {
  const stopping = new AbortController();
  const wiped: (string | undefined)[] = [];
  const manager = new DraManager({
    stateFile: join(folder, 'dra_manager_state'),
    clock: systemClock,
    log: silentLogger,
    claim: async (_, name) => claims.get(name) ?? Promise.reject(new Error(`resourceclaims "${name}" not found`)),
    wipeSlices: async (driver) => void wiped.push(driver),
    activePodUids: () => active,
    onHealth: () => undefined,
  });
  await manager.load();
  const watcher = createPluginWatcher({
    folder: join(folder, 'plugins_registry'),
    handlers: [manager.drivers],
    onMachine: (path) => path,
    clock: systemClock,
    log: silentLogger,
  });
  const running = Promise.all([manager.run(stopping.signal), watcher.run(stopping.signal)]);
  return {
    manager,
    wiped,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-dra-'));
  folders.push(folder);
  return folder;
}

const startDriver = async (folder: string, manager: DraManager, version = 'v1.DRAPlugin') => {
  const driver = await FakeDraDriver.start(join(folder, 'plugins_registry', `${driverName}.sock`), driverName, [
    version,
  ]);
  driver.answer = () => [{ requestNames: ['r'], poolName: 'p', deviceName: 'd', cdiDeviceIds: ['v/c=d'] }];
  await eventually(() => driver.statuses.length > 0);
  await eventually(() => manager.drivers.get(driverName).isConnected);
  return driver;
};

for (const version of ['v1.DRAPlugin', 'v1beta1.DRAPlugin'])
  test(`a claim is prepared once for all its pods, and unprepared after the last (${version})`, async () => {
    const folder = newFolder();
    await using started = await start(folder, new Map([['c', claim('c', ['a', 'b'])]]));
    const { manager, wiped } = started;
    const [a, b] = [pod('a'), pod('b')];
    await assert.rejects(manager.prepare(a), { message: `DRA driver ${driverName} is not registered` });
    await using driver = await startDriver(folder, manager, version);
    await manager.prepare(a);
    await manager.prepare(b);
    assert.deepEqual(manager.cdiDevices(a, a.spec.containers[0]!), ['v/c=d']);
    assert.deepEqual(manager.statuses(a, a.spec.containers[0]!), [
      { name: 'claim:c', resources: [{ resourceID: 'v/c=d', health: 'Unknown' }] },
    ]);
    await manager.unprepare(a);
    assert.deepEqual(driver.calls, ['prepare c']);
    await manager.unprepare(b);
    await manager.unprepare(b);
    assert.deepEqual(driver.calls, ['prepare c', 'unprepare c']);
    assert.deepEqual(wiped, [undefined], 'what drivers of before announced is taken back when the agent starts');
  });

test('what was prepared is unprepared by the next agent, though the claim is gone by then', async () => {
  const folder = newFolder();
  {
    await using started = await start(folder, new Map([['c', claim('c', ['a'])]]));
    await using _ = await startDriver(folder, started.manager);
    await started.manager.prepare(pod('a'));
  }
  await using started = await start(folder, new Map());
  const { manager } = started;
  assert.deepEqual(manager.cdiDevices(pod('a'), pod('a').spec.containers[0]!), ['v/c=d']);
  await assert.rejects(manager.unprepare(pod('a')), { message: `DRA driver ${driverName} is not registered` });
  await using driver = await startDriver(folder, manager);
  await manager.unprepare(pod('a'));
  assert.deepEqual(driver.calls, ['unprepare c']);
});

test('a pod hears why its claim is not ready', async () => {
  const folder = newFolder();
  const claims = new Map([
    ['c', claim('c', ['a'])],
    ['others', claim('others', ['b'])],
  ]);
  await using started = await start(folder, claims);
  const { manager } = started;
  await using driver = await startDriver(folder, manager);
  driver.answer = () => 'no such device';
  for (const [asking, message] of [
    [pod('a', ['absent']), 'fetch ResourceClaim absent: resourceclaims "absent" not found'],
    [pod('a', ['others']), 'pod a (uid-a) is not allowed to use ResourceClaim others (claim-others)'],
    [pod('a'), 'NodePrepareResources failed for ResourceClaim c: no such device'],
  ] as const)
    await assert.rejects(manager.prepare(asking), { message });
  driver.answer = () => [{ cdiDeviceIds: ['v/c=d'] }];
  await manager.prepare(pod('a'));
  assert.deepEqual(driver.calls, ['prepare c', 'prepare c']);
  claims.set('c', { ...claim('c', ['a']), metadata: { name: 'c', namespace: 'default', uid: 'another' } });
  await assert.rejects(manager.prepare(pod('a')), /old ResourceClaim with same name c and different UID claim-c/);
});

test('a driver that nobody understands is told so; one that goes is let go', async () => {
  const folder = newFolder();
  await using started = await start(folder, new Map());
  const { manager } = started;
  const socket = join(folder, 'plugins_registry', 'odd.sock');
  {
    await using odd = await FakeDraDriver.start(socket, 'odd.example.com', ['v7.DRAPlugin']);
    await eventually(() => odd.statuses.length > 0);
    assert.equal(odd.statuses[0].pluginRegistered, false);
    assert.match(odd.statuses[0].error, /none of services supported by the plugin \(\["v7.DRAPlugin"\]\)/);
  }
  {
    await using _ = await startDriver(folder, manager);
  }
  const isGone = () => {
    try {
      return !manager.drivers.get(driverName);
    } catch {
      return true;
    }
  };
  await eventually(isGone);
});

test('a plugin that takes calls and answers none holds up nobody else', async () => {
  const folder = newFolder();
  const registry = join(folder, 'plugins_registry');
  mkdirSync(registry);
  const callers: Socket[] = [];
  const silent = createServer((socket) => callers.push(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => silent.listen(join(registry, 'a-silent.sock'), resolve));
  {
    await using started = await start(folder, new Map());
    await eventually(() => callers.length > 0);
    await using driver = await startDriver(folder, started.manager);
    assert.equal(driver.statuses[0].pluginRegistered, true);
  }
  for (const caller of callers) caller.destroy();
  await new Promise((resolve) => silent.close(resolve));
});
