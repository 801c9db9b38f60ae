import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { openSqliteStore } from './engines/sqlite.ts';
import { restoreSqlite, revisionJump } from './engines/sqlite-restore.ts';
import { verifySnapshot, writeSnapshot } from './snapshot.ts';
import { CompactedError, type Store } from './store.ts';

const root = await mkdtemp(join(tmpdir(), 'coracle-snapshot-'));
after(() => rm(root, { recursive: true }));
const bytes = (text: string) => new TextEncoder().encode(text);
let made = 0;

async function save(store: Store, whileWriting = async () => {}): Promise<string> {
  const file = join(root, `${made++}.snapshot`);
  const chunks: Buffer[] = [];
  for await (const chunk of writeSnapshot(store, '2026-01-01T00:00:00Z')) {
    chunks.push(chunk);
    await whileWriting();
  }
  await writeFile(file, Buffer.concat(chunks));
  return file;
}

const contentOf = async (store: Store, revision?: number) =>
  (await store.range({ prefix: '/', ...(revision ? { revision } : {}) })).items.map(
    ({ key, value, modRevision, createRevision }) => `${key}=${Buffer.from(value)} ${createRevision} ${modRevision}`,
  );

test('a snapshot holds one revision though writes go on, and a restored store goes on beyond it', async () => {
  await using store = await openSqliteStore({ file: join(root, 'a', 'store.db') });
  for (let n = 0; n < 1300; n++) void store.commit([{ key: `/k/${n % 1200}`, value: bytes(`v${n}`) }]);
  await store.commit([
    { key: '/many/1', value: bytes('') },
    { key: '/many/2', value: new Uint8Array(100_000) },
  ]);
  const { revision } = store;
  const before = await contentOf(store);
  let n = 0;
  const file = await save(store, async () => {
    await store.commit([{ key: `/k/${n++}`, value: bytes('later') }, { key: `/k/${1100 + n}` }]);
  });
  assert.ok(n > 2);
  const summary = await verifySnapshot(file);
  assert.deepEqual([summary.revision, summary.keys], [revision, 1202]);

  const target = join(root, 'b', 'store.db');
  const { newRevision } = await restoreSqlite(file, target);
  assert.equal(newRevision, revision + revisionJump);
  await using restored = await openSqliteStore({ file: target });
  assert.deepEqual(await contentOf(restored), before);
  assert.equal(restored.revision, newRevision);
  const old = { prefix: '/', fromRevision: revision, signal: new AbortController().signal };
  assert.throws(() => restored.watch(old), CompactedError);
  assert.deepEqual(await restored.commit([{ key: '/k/1', value: bytes('new') }]), { revision: newRevision + 1 });
});

test('a snapshot that is cut short, changed or longer than it was is refused, and the store stays', async () => {
  const target = join(root, 'c', 'store.db');
  await using store = await openSqliteStore({ file: target });
  await store.commit([{ key: '/a', value: bytes('kept') }]);
  const file = await save(store);
  const whole = await readFile(file);
  const changed = Buffer.from(whole);
  changed[whole.length - 40]! ^= 1;
  for (const [bad, message] of [
    [whole.subarray(0, -1), /breaks off/],
    [whole.subarray(0, 30), /no snapshot|breaks off/],
    [changed, /damaged|breaks off/],
    [Buffer.concat([whole, bytes('x')]), /follows its end/],
    [Buffer.alloc(100_000, 'not a snapshot'), /no snapshot/],
  ] as const) {
    await writeFile(file, bad);
    await assert.rejects(restoreSqlite(file, target), message);
  }
  assert.deepEqual(await contentOf(store), ['/a=kept 2 2']);
});
