import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { FakeClock } from '../../base/clock-fake.ts';
import { silentLogger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { TokenSource } from './token-source.ts';
import { VolumeManager } from './volume-manager.ts';

const base = mkdtempSync(join(tmpdir(), 'volume-manager-'));
after(() => rmSync(base, { recursive: true, force: true }));

test('a volume that can not be brought up to date is told, and the others are', async () => {
  const maps = new Map([
    ['one', { data: { key: 'old' } }],
    ['two', { data: { key: 'old' } }],
  ]);
  const told: string[] = [];
  const services = {
    objects: { configMap: async (_: string, name: string) => maps.get(name) },
    mounter: { mountsBelow: async () => [], mountTmpfs: () => Promise.reject(new Error('no memory')) },
    events: {
      pod: (_: Pod, type: string, reason: string, message: string) => told.push(`${type} ${reason} ${message}`),
    },
    log: silentLogger,
    clock: new FakeClock(),
  };
  const manager = new VolumeManager({ nodeDir: base, services: services as never });
  const volumes = ['one', 'two'].map((name) => ({ name, configMap: { name } }));
  const pod: Pod = { metadata: { name: 'p', namespace: 'ns', uid: 'U' }, spec: { containers: [], volumes } };
  const ready = await manager.setUp(pod, {} as never, new AbortController().signal);
  maps.delete('one');
  maps.set('two', { data: { key: 'new' } });
  await manager.refresh(pod, {} as never);
  const read = (volume: string) => readFileSync(join(ready.get(volume)!.hostPath, 'key'), 'utf8');
  assert.deepEqual([read('one'), read('two')], ['old', 'new']);
  assert.deepEqual(told, ['Warning FailedMount MountVolume.SetUp failed for volume "one" : configmap "one" not found']);
  pod.metadata.deletionTimestamp = '2030-01-01T00:00:00Z';
  await manager.refresh(pod, {} as never);
  assert.equal(told.length, 1, 'what a pod lacks that ends is no trouble');
});

test('a token serves while it is good, though there is no new one', async () => {
  const clock = new FakeClock();
  let isAway = true;
  let count = 0;
  const create = async () => {
    if (isAway) throw new Error('connection refused');
    count += 1;
    return { status: { token: `t${count}`, expirationTimestamp: new Date(clock.now() + 1_000_000).toISOString() } };
  };
  const resource = () => ({ post: create });
  const tokens = new TokenSource({ resource } as unknown as Client, clock);
  const pod: Pod = { metadata: { name: 'p', namespace: 'ns', uid: 'U' }, spec: { containers: [] } };
  const ask = () => tokens.token(pod, { expirationSeconds: 1_000 });
  await assert.rejects(ask(), /^Error: failed to fetch token: connection refused$/);
  isAway = false;
  assert.equal(await ask(), 't1');
  isAway = true;
  await clock.advance(900_000);
  assert.equal(await ask(), 't1');
  await clock.advance(200_000);
  await assert.rejects(ask(), /^Error: token expired and refresh failed: connection refused$/);
  isAway = false;
  assert.equal(await ask(), 't2');
});
