import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storeContract } from '../../contract.ts';
import { CompactedError, NoSpaceError, type Store, UnavailableError } from '../../store.ts';
import { EtcdServer, findEtcds } from '../../testdata/etcd-server.ts';
import { openEtcdStore } from './etcd.ts';

const programs = findEtcds();
if (programs.length === 0) test('etcd', { skip: 'no etcd on this machine' }, () => {});

for (const program of programs) {
  storeContract(`etcd ${program.version}`, async () => {
    const server = await EtcdServer.start(program);
    const store = await openEtcdStore({ servers: [server.url] });
    return ending(store, server);
  });
}

/** The store, taking its server with it. */
function ending(store: Store, server: EtcdServer): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === Symbol.asyncDispose) {
        return async () => {
          await target[Symbol.asyncDispose]();
          await server[Symbol.asyncDispose]();
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

const bytes = (text: string) => Buffer.from(text);

for (const program of programs) {
  test(`etcd ${program.version}: a watch goes on where it was after etcd was killed and came back`, async () => {
    await using server = await EtcdServer.start(program);
    await using store = await openEtcdStore({ servers: [server.url], timeoutMs: 500 });
    const seen: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const batch of store.watch({ prefix: '/a/', signal: stop.signal })) {
        seen.push(...batch.map(({ key }) => key));
        if (seen.includes('/a/last')) stop.abort();
      }
    })();
    await store.commit([{ key: '/a/1', value: bytes('x') }]);
    await server.kill();
    await assert.rejects(store.commit([{ key: '/a/lost', value: bytes('x') }]), UnavailableError);
    await server.run();
    await using other = await openEtcdStore({ servers: [server.url] });
    await other.commit([{ key: '/a/2', value: bytes('x') }]);
    await other.commit([{ key: '/a/last', value: bytes('x') }]);
    await watching;
    assert.deepEqual(seen, ['/a/1', '/a/2', '/a/last']);
    assert.equal(store.problem, undefined);
  });

  test(`etcd ${program.version}: what one store was acknowledged the other one is asked for`, async () => {
    await using server = await EtcdServer.start(program);
    await using store = await openEtcdStore({ servers: [server.url], root: '/registry/' });
    await using other = await openEtcdStore({ servers: [server.url], root: '/registry/' });
    for (let round = 0; round < 20; round++) {
      // Every other write is to a key that neither of them watches.
      const key = round % 2 ? '/registry/a' : '/elsewhere';
      const raw = await openEtcdStore({ servers: [server.url] });
      const { revision } = await raw.commit([{ key, value: bytes(String(round)) }]);
      const heads = await Promise.all([store.head!(), other.head!(), store.head!()]);
      assert.ok(heads.every((head) => head >= revision));
      assert.ok(store.revision >= revision && other.revision >= revision);
      await raw[Symbol.asyncDispose]();
    }
  });

  test(`etcd ${program.version}: who reads what another store wrote can watch from there at once`, async () => {
    await using server = await EtcdServer.start(program);
    await using store = await openEtcdStore({ servers: [server.url], root: '/registry/' });
    await using other = await openEtcdStore({ servers: [server.url] });
    const { signal } = new AbortController();
    for (let round = 0; round < 100; round++) {
      // What is nothing to the watch takes it a question.
      const key = round % 50 ? '/registry/a' : '/elsewhere/a';
      const writing = other.commit([{ key, value: bytes(String(round)) }]);
      const { revision } = await store.range({ prefix: '/registry/' });
      store.watch({ prefix: '/registry/', fromRevision: revision + 1, signal });
      await writing;
    }
  });

  test(`etcd ${program.version}: keys with a time to live share leases, and end`, async () => {
    await using server = await EtcdServer.start(program);
    await using store = await openEtcdStore({ servers: [server.url] });
    const ended = (async () => {
      const gone: string[] = [];
      const stop = new AbortController();
      for await (const batch of store.watch({ prefix: '/', signal: stop.signal })) {
        gone.push(...batch.filter(({ type }) => type === 'delete').map(({ key }) => key));
        if (gone.length === 3) stop.abort();
      }
      return gone.sort();
    })();
    await store.commit([{ key: '/stays', value: bytes('x') }]);
    for (const key of ['/1', '/2', '/3']) await store.commit([{ key, value: bytes('x'), ttlSeconds: 1 }]);
    assert.deepEqual(await ended, ['/1', '/2', '/3']);
    assert.ok(await store.get('/stays'));
  });

  test(`etcd ${program.version}: of two servers one compacts at a time, and both know`, async () => {
    await using server = await EtcdServer.start(program);
    await using first = await openEtcdStore({ servers: [server.url] });
    await using second = await openEtcdStore({ servers: [server.url] });
    for (let n = 0; n < 6; n++) await first.commit([{ key: '/a', value: bytes(String(n)) }]);
    await second.head!();
    assert.equal(await first.claimCompaction!(4), true);
    await first.compact(4);
    assert.equal(await second.claimCompaction!(5), false);
    assert.equal(second.compactedRevision, 4);
    await assert.rejects(second.get('/a', 3), CompactedError);
    assert.equal(await second.claimCompaction!(5), true);
    assert.equal(await first.claimCompaction!(6), false);
  });

  test(`etcd ${program.version}: a full etcd takes deletions, and writes again after compaction`, async () => {
    const flags = ['--quota-backend-bytes', String(4 << 20)];
    await using server = await EtcdServer.start(program, { flags });
    await using store = await openEtcdStore({ servers: [server.url] });
    const fill = async () => {
      for (let n = 0; ; n++) await store.commit([{ key: '/a', value: Buffer.alloc(200_000, String(n)) }]);
    };
    await assert.rejects(fill(), NoSpaceError);
    await store.commit([{ key: '/a' }]);
    await store.compact(store.revision);
    await store.commit([{ key: '/a', value: bytes('again') }]);
  });
}
