// Thousands of random watchers on an API server, under load, compaction and restarts, held against the commit log.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiServer } from '../../src/apiserver/server.ts';
import { startTestServer, type TestServer } from '../../src/apiserver/testing/test-server.ts';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { openSqliteStore } from '../../src/store/engines/sqlite.ts';
import type { Store } from '../../src/store/store.ts';
import { changeOf, prefix, randomFilter, randomGroup, randomPlace, storedConfigMap } from './config-maps.ts';
import { Oracle } from './oracle.ts';
import { Watcher, type WatcherFigures } from './watcher.ts';

export interface WatchOracleOptions {
  readonly events: number;
  readonly watchers: number;
  /** How often the server is stopped and started on the way. */
  readonly restarts: number;
  readonly seed: number;
  readonly onProgress?: (changes: number) => void;
}

/** History that compaction leaves. */
const keptRevisions = 15_000;
const writesAtOnce = 50;
const throughApi = 0.02;

export async function runWatchOracle(options: WatchOracleOptions): Promise<WatcherFigures & { changes: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-oracle-'));
  const random = seededRandom(options.seed);
  const oracle = new Oracle();
  const figures: WatcherFigures = { events: 0, resumed: 0, expired: 0, cut: 0 };
  let server: ApiServer | undefined;
  const stop = new AbortController();
  const { signal } = stop;
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const watchers: Watcher[] = [];
  const running: Promise<void>[] = [];
  for (let n = 0; n < options.watchers; n++) {
    const own = seededRandom(options.seed + n + 1);
    const filter = randomFilter(own);
    const watcher = new Watcher({ filter, oracle, random: own, figures, server: () => server, signal });
    watchers.push(watcher);
    running.push(watcher.run().catch(failed.reject));
  }
  try {
    const rounds = options.restarts + 1;
    for (let round = 0; round < rounds; round++) {
      const store = await openSqliteStore({ file: join(folder, 'store', 'state.db') });
      await using started = await startTestServer({ store });
      await using _recorded = recording(store, oracle, failed.reject);
      server = started.server;
      const target = Math.floor((options.events * (round + 1)) / rounds);
      try {
        await Promise.race([write(started, store, oracle, random, target, options.onProgress), failed.promise]);
        if (round === rounds - 1) await Promise.race([settle(watchers, oracle, store), failed.promise]);
      } catch (error) {
        stop.abort();
        oracle.release();
        throw error;
      } finally {
        server = undefined;
      }
    }
    return { ...figures, changes: oracle.changes };
  } finally {
    stop.abort();
    server = undefined;
    oracle.release();
    await Promise.all(running);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Takes the commit log into the oracle, from where it was. */
function recording(store: Store, oracle: Oracle, onError: (error: unknown) => void): AsyncDisposable {
  const stop = new AbortController();
  const fromRevision = Math.max(oracle.revision + 1, store.compactedRevision + 1);
  const onProgress = (revision: number) => oracle.reached(revision);
  const recorded = (async () => {
    for await (const batch of store.watch({ prefix, fromRevision, onProgress, signal: stop.signal })) {
      for (const event of batch) oracle.take(changeOf(event));
      oracle.reached(batch.at(-1)!.revision);
    }
  })().catch(onError);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await recorded;
    },
  };
}

async function write(
  { call }: TestServer,
  store: Store,
  oracle: Oracle,
  random: Random,
  target: number,
  onProgress: (changes: number) => void = () => {},
): Promise<void> {
  let n = oracle.changes;
  let compactAt = store.revision + keptRevisions;
  while (oracle.changes < target) {
    const writes = Array.from({ length: Math.min(writesAtOnce, target - oracle.changes) }, async () => {
      const { namespace, name } = randomPlace(random);
      const group = randomGroup(random);
      const isDeletion = random.next() < 0.15;
      const key = `${prefix}${namespace}/${name}`;
      n++;
      if (random.next() >= throughApi) {
        await store.commit([isDeletion ? { key } : { key, value: storedConfigMap(namespace, name, group, n) }]);
        return;
      }
      const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
      if (isDeletion) await call(`DELETE ${path}`);
      else {
        const patch = { metadata: { labels: { group } }, data: { n: String(n) } };
        await call(`PATCH ${path}`, patch, undefined, 'application/merge-patch+json');
      }
    });
    await Promise.all(writes);
    await oracle.waitFor(store.revision);
    if (store.revision >= compactAt) {
      await store.compact(store.revision - keptRevisions);
      compactAt = store.revision + keptRevisions / 3;
      onProgress(oracle.changes);
    }
    // Watchers get their turn.
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
  }
}

const patienceMs = 60_000;

async function settle(watchers: readonly Watcher[], oracle: Oracle, store: Store): Promise<void> {
  await oracle.waitFor(store.revision);
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const late = watchers.filter((watcher) => watcher.behind() !== undefined);
    if (late.length === 0) return;
    if (performance.now() > deadline) {
      const [first] = late;
      throw new Error(`${late.length} watchers: ${JSON.stringify(first!.filter)} ${first!.behind()}`);
    }
    await new Promise<void>((resolve) => setTimeout(resolve, 20));
  }
}
