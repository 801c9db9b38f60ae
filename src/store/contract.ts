// What every engine must do. An engine's test file calls storeContract with a way to open an empty store.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CompactedError, CompareFailedError, FutureRevisionError, type Store, type StoreEvent } from './store.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => (value ? new TextDecoder().decode(value) : undefined);
const put = (store: Store, key: string, value: string, ifRevision?: number) =>
  store.commit([{ key, value: bytes(value), ...(ifRevision === undefined ? {} : { ifRevision }) }]);
const brief = (event: StoreEvent) =>
  `${event.revision} ${event.type} ${event.key} ${text(event.previous) ?? '-'}>${text(event.value) ?? '-'}`;

/** Reads events until `count` have come. */
async function take(store: Store, count: number, prefix: string, fromRevision?: number): Promise<string[]> {
  const stop = new AbortController();
  const seen: string[] = [];
  const options = { prefix, signal: stop.signal, ...(fromRevision === undefined ? {} : { fromRevision }) };
  for await (const batch of store.watch(options)) {
    seen.push(...batch.map(brief));
    if (seen.length >= count) stop.abort();
  }
  return seen;
}

export function storeContract(name: string, open: () => Promise<Store>): void {
  const check = (title: string, body: (store: Store) => Promise<void>) =>
    test(title, async () => {
      await using store = await open();
      await body(store);
    });

  describe(`${name} store: writes`, () => {
    check('starts empty at revision 1', async (store) => {
      assert.equal(store.revision, 1);
      assert.equal(store.compactedRevision, 0);
      assert.equal(await store.get('/a'), undefined);
      assert.deepEqual(await store.range({ prefix: '/' }), { items: [], revision: 1, remaining: 0 });
    });

    check('gives each commit the next revision', async (store) => {
      assert.deepEqual(await put(store, '/a', '1'), { revision: 2 });
      assert.deepEqual(await put(store, '/b', '1'), { revision: 3 });
      assert.equal(store.revision, 3);
      const found = await store.get('/a');
      assert.deepEqual([text(found?.value), found?.modRevision, found?.createRevision], ['1', 2, 2]);
    });

    check('keeps the revision at which a key was created until it is deleted', async (store) => {
      await put(store, '/a', '1');
      await put(store, '/a', '2');
      assert.equal((await store.get('/a'))?.createRevision, 2);
      await store.commit([{ key: '/a' }]);
      await put(store, '/a', '3');
      assert.equal((await store.get('/a'))?.createRevision, 5);
    });

    check('writes only while the key is as expected, and says what is there', async (store) => {
      await put(store, '/a', 'first', 0);
      await assert.rejects(put(store, '/a', 'again', 0), (error) => {
        assert.ok(error instanceof CompareFailedError);
        assert.deepEqual([text(error.current?.value), error.current?.modRevision], ['first', 2]);
        return true;
      });
      await put(store, '/a', 'second', 2);
      await assert.rejects(put(store, '/a', 'late', 2), CompareFailedError);
      await assert.rejects(store.commit([{ key: '/a', ifRevision: 2 }]), CompareFailedError);
      await assert.rejects(put(store, '/none', 'x', 7), (error) => {
        return error instanceof CompareFailedError && error.current === undefined;
      });
      assert.equal(text((await store.get('/a'))?.value), 'second');
      assert.equal(store.revision, 3);
    });

    check('commits several writes at one revision or none of them', async (store) => {
      await put(store, '/a', '1');
      const writes = [
        { key: '/b', value: bytes('1') },
        { key: '/a', value: bytes('2'), ifRevision: 9 },
      ];
      await assert.rejects(store.commit(writes), CompareFailedError);
      assert.equal(await store.get('/b'), undefined);
      await store.commit([{ key: '/b', value: bytes('1') }, { key: '/a' }]);
      assert.equal((await store.get('/b'))?.modRevision, 3);
      assert.equal(await store.get('/a'), undefined);
    });

    check('refuses a commit that writes a key twice', async (store) => {
      await assert.rejects(store.commit([{ key: '/a', value: bytes('1') }, { key: '/a' }]), /twice/);
      assert.equal(store.revision, 1);
    });

    check('uses no revision when there is nothing to delete', async (store) => {
      assert.deepEqual(await store.commit([{ key: '/none' }]), { revision: 1 });
      assert.deepEqual(await store.commit([{ key: '/none', ifRevision: 0 }]), { revision: 1 });
    });

    check('lets exactly one of many compare-and-put writers win', async (store) => {
      const outcomes = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => put(store, '/a', String(n), 0)));
      assert.equal(outcomes.filter((outcome) => outcome.status === 'fulfilled').length, 1);
    });

    check('loses no increment of many writers that retry', async (store) => {
      await put(store, '/n', '0');
      const increment = async () => {
        for (;;) {
          const now = (await store.get('/n'))!;
          try {
            return await put(store, '/n', String(Number(text(now.value)) + 1), now.modRevision);
          } catch (error) {
            if (!(error instanceof CompareFailedError)) throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: 12 }, increment));
      assert.equal(text((await store.get('/n'))?.value), '12');
      assert.equal((await store.get('/n'))?.modRevision, 14);
    });

    check('keeps empty and large values, and bytes that are no text', async (store) => {
      const large = new Uint8Array(3 << 20).fill(0xff);
      await store.commit([
        { key: '/empty', value: new Uint8Array() },
        { key: '/large', value: large },
      ]);
      assert.equal((await store.get('/empty'))?.value.byteLength, 0);
      assert.ok(Buffer.from((await store.get('/large'))!.value).equals(large));
    });

    check('refuses calls after it was closed', async (store) => {
      await store[Symbol.asyncDispose]();
      await assert.rejects(put(store, '/a', '1'), /closed/);
      await assert.rejects(store.get('/a'), /closed/);
    });
  });

  describe(`${name} store: reads`, () => {
    check('ranges over a prefix in key order', async (store) => {
      for (const key of ['/b/2', '/a/1', '/b/1', '/b', '/b0', '/c/1']) await put(store, key, key);
      const { items, remaining } = await store.range({ prefix: '/b/' });
      assert.deepEqual(
        items.map((item) => item.key),
        ['/b/1', '/b/2'],
      );
      assert.equal(remaining, 0);
    });

    check('pages at one revision while the keys change', async (store) => {
      for (let n = 0; n < 10; n++) await put(store, `/k/${n}`, 'old');
      const first = await store.range({ prefix: '/k/', limit: 4 });
      assert.deepEqual([first.items.length, first.remaining, first.revision], [4, 6, 11]);
      await store.commit([
        { key: '/k/5' },
        { key: '/k/6', value: bytes('new') },
        { key: '/k/55', value: bytes('new') },
      ]);
      const seen = first.items.map((item) => item.key);
      for (let page = first; page.remaining > 0; ) {
        page = await store.range({ prefix: '/k/', limit: 4, after: seen.at(-1)!, revision: first.revision });
        assert.ok(page.items.every((item) => text(item.value) === 'old'));
        seen.push(...page.items.map((item) => item.key));
      }
      assert.deepEqual(
        seen,
        Array.from({ length: 10 }, (_, n) => `/k/${n}`),
      );
    });

    check('says at every page how many keys follow, also to readers that take turns', async (store) => {
      await store.commit(
        Array.from({ length: 1000 }, (_, n) => ({ key: `/k/${String(n).padStart(4, '0')}`, value: bytes('x') })),
      );
      await store.commit(
        Array.from({ length: 900 }, (_, n) => ({ key: `/k/x${String(n).padStart(4, '0')}`, value: bytes('x') })),
      );
      const readers = [
        { limit: 600, seen: 0, after: '' },
        { limit: 70, seen: 0, after: '' },
      ];
      for (let turn = 0; turn < 4; turn++) {
        for (const reader of readers) {
          const page = await store.range({ prefix: '/k/', limit: reader.limit, after: reader.after, revision: 3 });
          reader.seen += page.items.length;
          reader.after = page.items.at(-1)!.key;
          assert.equal(page.remaining, 1900 - reader.seen);
          await store.commit([{ key: `/k/${turn}-${reader.limit}`, value: bytes('new') }]);
        }
      }
    });

    check('reads the past', async (store) => {
      await put(store, '/a', '1');
      await put(store, '/a', '2');
      await store.commit([{ key: '/a' }]);
      const past = async (revision: number) => text((await store.get('/a', revision))?.value);
      assert.deepEqual([await past(1), await past(2), await past(3), await past(4)], [undefined, '1', '2', undefined]);
      assert.equal((await store.range({ prefix: '/', revision: 3 })).items.length, 1);
    });

    check('refuses a revision that has not happened', async (store) => {
      await assert.rejects(store.get('/a', 9), FutureRevisionError);
      await assert.rejects(store.range({ prefix: '/', revision: 9 }), FutureRevisionError);
    });

    check('sees its own acknowledged write', async (store) => {
      for (let n = 0; n < 50; n++) {
        const { revision } = await put(store, '/a', String(n));
        assert.equal((await store.get('/a'))?.modRevision, revision);
        assert.equal(store.revision, revision);
      }
    });
  });

  describe(`${name} store: watches`, () => {
    check('delivers what comes after now', async (store) => {
      await put(store, '/a/1', 'before');
      const watching = take(store, 3, '/a/');
      await put(store, '/a/1', 'x');
      await put(store, '/b/1', 'other');
      await put(store, '/a/2', 'y');
      await store.commit([{ key: '/a/1' }]);
      assert.deepEqual(await watching, ['3 put /a/1 before>x', '5 put /a/2 ->y', '6 delete /a/1 x>-']);
    });

    check('delivers from an old revision and goes on live', async (store) => {
      for (let n = 2; n <= 40; n++) await put(store, `/k/${n % 3}`, String(n));
      const watching = take(store, 58, '/k/', 3);
      for (let n = 41; n <= 60; n++) await put(store, `/k/${n % 3}`, String(n));
      const revisions = (await watching).map((line) => Number(line.split(' ')[0]));
      assert.deepEqual(
        revisions,
        Array.from({ length: 58 }, (_, n) => n + 3),
      );
    });

    check('hands a write to waiting watchers before its writer is told', async (store) => {
      const stop = new AbortController();
      let seen = 0;
      const reading = (async () => {
        for await (const batch of store.watch({ prefix: '/', signal: stop.signal })) seen = batch.at(-1)!.revision;
      })();
      for (let n = 0; n < 20; n++) {
        const { revision } = await put(store, '/a', String(n));
        assert.equal(seen, revision);
      }
      stop.abort();
      await reading;
    });

    check('never splits the events of one commit', async (store) => {
      const stop = new AbortController();
      const sizes: number[] = [];
      const reading = (async () => {
        for await (const batch of store.watch({ prefix: '/', fromRevision: 2, signal: stop.signal })) {
          for (const event of batch) sizes[event.revision] = (sizes[event.revision] ?? 0) + 1;
          assert.ok(batch.every((event) => sizes[event.revision] === 3));
          if (batch.at(-1)!.revision === 11) stop.abort();
        }
      })();
      for (let n = 0; n < 10; n++)
        await store.commit(['/a', '/b', '/c'].map((key) => ({ key, value: bytes(String(n)) })));
      await reading;
    });

    check('gives a reader that is slow every event, once', async (store) => {
      const stop = new AbortController();
      const seen: number[] = [];
      let wake = () => {};
      const reading = (async () => {
        for await (const batch of store.watch({ prefix: '/k/', signal: stop.signal })) {
          seen.push(...batch.map((event) => event.revision));
          if (seen.at(-1) === 201) return;
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      })();
      for (let n = 0; n < 200; n++) {
        await put(store, `/k/${n}`, 'x'.repeat(500));
        if (n % 50 === 49) wake();
      }
      const nudge = setInterval(() => wake(), 5);
      await reading;
      clearInterval(nudge);
      assert.deepEqual(
        seen,
        Array.from({ length: 200 }, (_, n) => n + 2),
      );
    });

    check('gives concurrent watchers of different prefixes their own events in order', async (store) => {
      const watchers = Array.from({ length: 8 }, (_, n) => take(store, 25, `/p${n}/`, 2));
      await Promise.all(Array.from({ length: 200 }, (_, n) => put(store, `/p${n % 8}/x`, String(n))));
      for (const [n, seen] of (await Promise.all(watchers)).entries()) {
        assert.equal(seen.length, 25);
        assert.ok(seen.every((line) => line.includes(`/p${n}/`)));
        const revisions = seen.map((line) => Number(line.split(' ')[0]));
        assert.deepEqual(
          revisions,
          [...new Set(revisions)].sort((a, b) => a - b),
        );
      }
    });

    check('ends with its signal, also before it began', async (store) => {
      assert.deepEqual(await collect(store.watch({ prefix: '/', signal: AbortSignal.abort() })), []);
      const stop = new AbortController();
      const reading = collect(store.watch({ prefix: '/', signal: stop.signal }));
      stop.abort();
      assert.deepEqual(await reading, []);
    });

    check('ends its watches when it is closed', async (store) => {
      const reading = collect(store.watch({ prefix: '/', signal: new AbortController().signal }));
      await store[Symbol.asyncDispose]();
      assert.deepEqual(await reading, []);
    });
  });

  describe(`${name} store: compaction`, () => {
    check('forgets the past and keeps the present', async (store) => {
      for (const value of ['1', '2', '3']) await put(store, '/a', value);
      await put(store, '/gone', 'x');
      await store.commit([{ key: '/gone' }]);
      await put(store, '/a', '4');
      await store.compact(6);
      assert.equal(store.compactedRevision, 6);
      assert.equal(text((await store.get('/a'))?.value), '4');
      assert.equal(text((await store.get('/a', 6))?.value), '3');
      await assert.rejects(store.get('/a', 5), CompactedError);
      await assert.rejects(store.range({ prefix: '/', revision: 5 }), CompactedError);
      assert.deepEqual(
        (await store.range({ prefix: '/', revision: 6 })).items.map((item) => item.key),
        ['/a'],
      );
    });

    check('refuses watches from before it and serves those from after it', async (store) => {
      for (let n = 2; n <= 9; n++) await put(store, '/a', String(n));
      await store.compact(5);
      for (const fromRevision of [1, 5]) {
        await assert.rejects(take(store, 1, '/', fromRevision), (error) => {
          return error instanceof CompactedError && error.compactedRevision === 5;
        });
      }
      assert.deepEqual(await take(store, 4, '/', 6), ['6 put /a 5>6', '7 put /a 6>7', '8 put /a 7>8', '9 put /a 8>9']);
    });

    check('ends a watch that it overtakes', async (store) => {
      const watch = store.watch({ prefix: '/', fromRevision: 2, signal: new AbortController().signal });
      const reader = watch[Symbol.asyncIterator]();
      await put(store, '/a', '1');
      await reader.next();
      for (let n = 0; n < 10; n++) await put(store, '/a', String(n));
      await store.compact(8);
      await assert.rejects(reader.next(), CompactedError);
      assert.deepEqual(await reader.next(), { done: true, value: undefined });
    });

    check('leaves a watch alone that waits at the head', async (store) => {
      const watching = take(store, 2, '/a');
      await put(store, '/b', '1');
      await store.compact(2);
      await put(store, '/a', '1');
      await store.compact(3);
      await put(store, '/a', '2');
      assert.deepEqual(await watching, ['3 put /a ->1', '4 put /a 1>2']);
    });

    check('frees space', async (store) => {
      for (let n = 0; n < 200; n++) await put(store, '/a', 'x'.repeat(10_000));
      const before = await store.sizeBytes();
      await store.compact(store.revision);
      for (let n = 0; n < 20; n++) await put(store, '/a', 'x'.repeat(10_000));
      assert.ok((await store.sizeBytes()) <= before + 100_000);
    });

    check('does not go back, nor beyond the head', async (store) => {
      for (let n = 0; n < 5; n++) await put(store, '/a', String(n));
      await store.compact(4);
      await store.compact(2);
      assert.equal(store.compactedRevision, 4);
      await assert.rejects(store.compact(99), FutureRevisionError);
    });
  });
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}
