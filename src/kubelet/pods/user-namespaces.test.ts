import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { createUserNamespaces } from './user-namespaces.ts';

const pod = (uid: string) => ({ metadata: { uid, name: uid }, spec: { hostUsers: false } }) as unknown as Pod;

test('a pod keeps its range of IDs over a restart, and gets one anew when the file was cut short', async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'userns-'));
  context.after(() => rmSync(dataDir, { recursive: true }));
  const podDir = (uid: string) => join(dataDir, uid);
  const started = () =>
    createUserNamespaces({ dataDir, podDir, handlerOf: async () => '', isSupported: async () => true });
  const idOf = async (from: ReturnType<typeof started>, uid: string) => (await from.of(pod(uid)))?.uids[0]?.hostId;
  const first = started();
  const range = await idOf(first, 'one');
  const second = await idOf(first, 'two');
  assert.equal(await idOf(started(), 'two'), second);
  const after = started();
  assert.ok(![range, second].includes(await idOf(after, 'new')), 'pods that run have not been looked at yet');
  assert.equal(await idOf(after, 'one'), range);
  for (const spoilt of ['', '{"uidMappings":[{"host', '[]']) {
    const file = join(podDir('two'), 'userns');
    mkdirSync(podDir('two'), { recursive: true });
    writeFileSync(file, spoilt);
    const found = await idOf(started(), 'two');
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).uidMappings[0].hostId, found);
  }
});
