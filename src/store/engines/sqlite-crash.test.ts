import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import type { StoreEvent } from '../store.ts';
import { openSqliteStore } from './sqlite.ts';

const root = await mkdtemp(join(tmpdir(), 'coracle-store-'));
after(() => rm(root, { recursive: true }));
let opened = 0;
const fresh = () => join(root, String(opened++), 'store.db');
const bytes = (text: string) => new TextEncoder().encode(text);

/** Lets a child write and kills it once it has acknowledged `count` writes. Returns the lines it printed whole. */
async function writeUntilKilled(file: string, count: number): Promise<string[]> {
  const script = join(import.meta.dirname, '../testdata/write-until-killed.ts');
  const child = spawn(process.execPath, [script, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) {
    output += chunk;
    if (output.split('\n').length > count) child.kill('SIGKILL');
  }
  return output.split('\n').slice(0, -1);
}

test('after kill -9 every acknowledged write is there, at its revision, and none twice', async () => {
  const file = fresh();
  for (let round = 0; round < 3; round++) {
    const lines = await writeUntilKilled(file, 300 + round * 200);
    await using store = await openSqliteStore({ file });
    const newest = new Map<string, { revision: number; n: number }>();
    for (const line of lines) {
      const [revision, writer, n] = line.split(' ').map(Number) as [number, number, number];
      newest.set(`/w${writer}/${n % 50}`, { revision, n });
      assert.ok(revision <= store.revision);
      const then = await store.get(`/w${writer}/${n % 50}`, revision);
      assert.equal(then?.modRevision, revision);
      assert.ok(Buffer.from(then.value).toString().startsWith(`${writer}:${n}:`));
    }
    assert.ok(newest.size > 0);
    const seen = new Set<number>();
    const stop = new AbortController();
    for await (const batch of store.watch({ prefix: '/', fromRevision: 2, signal: stop.signal })) {
      for (const { revision } of batch) {
        assert.ok(!seen.has(revision));
        seen.add(revision);
      }
      if (seen.size === store.revision - 1) stop.abort();
    }
  }
});

test('a store that is opened again goes on where it was', async () => {
  const file = fresh();
  {
    await using store = await openSqliteStore({ file });
    for (const value of ['1', '2', '3']) await store.commit([{ key: '/a', value: bytes(value) }]);
    await store.commit([{ key: '/b', value: bytes('1') }]);
    await store.commit([{ key: '/b' }]);
    await store.compact(6);
  }
  await using store = await openSqliteStore({ file });
  assert.deepEqual([store.revision, store.compactedRevision], [6, 6]);
  assert.deepEqual(await store.commit([{ key: '/a', value: bytes('4') }]), { revision: 7 });
  const reader = store
    .watch({ prefix: '/', fromRevision: 7, signal: new AbortController().signal })
    [Symbol.asyncIterator]();
  const [event] = (await reader.next()).value as StoreEvent[];
  assert.deepEqual([event?.revision, Buffer.from(event!.previous!).toString()], [7, '3']);
});

test('only its owner may read the store', async () => {
  const file = fresh();
  await using store = await openSqliteStore({ file });
  await store.commit([{ key: '/a', value: bytes('1') }]);
  const mode = async (path: string) => (await stat(path)).mode & 0o777;
  assert.deepEqual([await mode(dirname(file)), await mode(file), await mode(`${file}-wal`)], [0o700, 0o600, 0o600]);
});

test('a store cannot be opened twice', async () => {
  const file = fresh();
  await using store = await openSqliteStore({ file });
  await store.commit([{ key: '/a', value: bytes('1') }]);
  await assert.rejects(openSqliteStore({ file }), /locked/);
});

test('a file that is no store is refused', async () => {
  const file = fresh();
  await (await openSqliteStore({ file }))[Symbol.asyncDispose]();
  await writeFile(file, 'this is not a database, but it is as long as one must be. '.repeat(200));
  await assert.rejects(openSqliteStore({ file }), /cannot open the store/);
});

test('a value that changed on the disk is not handed out', async () => {
  const file = fresh();
  {
    await using store = await openSqliteStore({ file });
    await store.commit([{ key: '/a', value: bytes('true') }]);
  }
  const db = new DatabaseSync(file);
  db.exec("update log set value = cast('trve' as blob)");
  db.close();
  await using store = await openSqliteStore({ file });
  await assert.rejects(store.get('/a'), /damaged/);
});

test('counters that contradict the table are refused', async () => {
  const file = fresh();
  {
    await using store = await openSqliteStore({ file });
    for (let n = 0; n < 5; n++) await store.commit([{ key: '/a', value: bytes('1') }]);
  }
  const db = new DatabaseSync(file);
  db.exec('update state set revision = 3');
  db.close();
  await assert.rejects(openSqliteStore({ file }), /the store is damaged/);
});

test('a full store refuses writes, goes on reading and deleting, and writes again after compaction', async () => {
  await using store = await openSqliteStore({ file: fresh(), maxBytes: 2 << 20 });
  const value = new Uint8Array(50_000);
  let written = 0;
  const fill = async () => {
    for (;;) {
      await store.commit([{ key: '/a', value }]);
      written++;
    }
  };
  await store.commit([{ key: '/b', value }]);
  await assert.rejects(fill(), /database space exceeded/);
  assert.ok(written > 20);
  await store.commit([{ key: '/b' }]);
  assert.equal((await store.get('/a'))?.modRevision, store.revision - 1);
  await store.compact(store.revision);
  const { revision } = await store.commit([{ key: '/a', value }]);
  assert.equal(revision, written + 4);
});

test('a commit beyond what may wait is refused at once', async () => {
  await using store = await openSqliteStore({ file: fresh() });
  const large = new Uint8Array(8 << 20);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 12 }, (_, n) => store.commit([{ key: `/${n}`, value: large }])),
  );
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected').map((outcome) => outcome.reason.name);
  assert.deepEqual(refused, ['OverloadedError', 'OverloadedError', 'OverloadedError', 'OverloadedError']);
  assert.equal(store.revision, 9);
});
