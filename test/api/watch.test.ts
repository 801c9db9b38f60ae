// List and watch as clients use them, over TLS: no event lost or repeated, whatever is written meanwhile.
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { type Random, seededRandom } from '../../src/base/random.ts';
import { TestCluster } from '../e2e/cluster.ts';
import { WireClient } from '../upstream/client.ts';
import { type Connection, connectionOf } from './raw-http.ts';
import { chunks, take, type Watched, watch } from './watch-client.ts';

const json = 'application/json';
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const protobuf = 'application/vnd.kubernetes.protobuf';
const mergePatch = 'application/merge-patch+json';

suite('list and watch', () => {
  let cluster: TestCluster;
  let client: WireClient;
  let to: Connection;
  let namespaces = 0;

  before(async () => {
    cluster = await TestCluster.create({ simulatedNodes: 0, flags: ['--only', 'apiserver'] });
    client = new WireClient({ kubeconfig: cluster.kubeconfig, headers: { accept: json }, timeoutMs: 15_000 });
    to = connectionOf(cluster.kubeconfig);
  });
  after(async () => {
    client[Symbol.dispose]();
    await cluster[Symbol.asyncDispose]();
  });

  async function ask(method: string, path: string, object?: unknown, type = json): Promise<any> {
    const body = object === undefined ? undefined : JSON.stringify(object);
    const answer = await client.request({ method, path, body, ...(body ? { headers: { 'content-type': type } } : {}) });
    const answered = JSON.parse(answer.body.toString());
    if (answer.code >= 300) throw Object.assign(new Error(answered.message), { status: answered });
    return answered;
  }

  /** The collection of ConfigMaps in a namespace of its own, and its version. */
  async function collection(): Promise<{ path: string; version: string }> {
    const name = `watched-${namespaces++}`;
    await ask('POST', '/api/v1/namespaces', { metadata: { name } });
    const path = `/api/v1/namespaces/${name}/configmaps`;
    return { path, version: (await ask('GET', path)).metadata.resourceVersion };
  }

  const create = (path: string, name: string, labels = {}) => ask('POST', path, { metadata: { name, labels } });

  test('a watch from a list begins with what came after it', async () => {
    const { path } = await collection();
    await create(path, 'before');
    const { metadata } = await ask('GET', path);
    await create(path, 'after');
    const events = watch(to, `${path}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    assert.deepEqual((await take(events, 1)).map(brief), ['ADDED after']);
  });

  test('a watch without a version begins with what is there', async () => {
    const { path } = await collection();
    await create(path, 'b');
    await create(path, 'a');
    const events = await take(watch(to, `${path}?watch=true`), 2);
    assert.deepEqual(events.map(brief).sort(), ['ADDED a', 'ADDED b']);
  });

  test('initial events end with a bookmark that says so', async () => {
    const { path } = await collection();
    await create(path, 'a');
    const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const [added, bookmark] = await take(watch(to, `${path}?${query}`), 2);
    assert.equal(brief(added!), 'ADDED a');
    assert.equal(bookmark!.type, 'BOOKMARK');
    assert.deepEqual(bookmark!.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
    assert.ok(Number(bookmark!.object.metadata.resourceVersion) >= Number(added!.object.metadata.resourceVersion));
  });

  test('initial events are refused without the words that belong to them', async () => {
    const { path } = await collection();
    await assert.rejects(ask('GET', `${path}?watch=true&sendInitialEvents=true`), ({ status }) => {
      assert.equal(status.reason, 'Invalid');
      assert.deepEqual(
        status.details.causes.map(({ field }: { field: string }) => field),
        ['resourceVersionMatch'],
      );
      return true;
    });
  });

  test('an object that comes into a selector is added, one that leaves it is deleted', async () => {
    const { path, version } = await collection();
    await create(path, 'a', { on: 'no' });
    for (const on of ['yes', 'no']) await ask('PATCH', `${path}/a`, { metadata: { labels: { on } } }, mergePatch);
    const events = watch(to, `${path}?watch=true&labelSelector=on%3Dyes&resourceVersion=${version}`);
    assert.deepEqual((await take(events, 2)).map(brief), ['ADDED a', 'DELETED a']);
  });

  test('a watch ends after timeoutSeconds, with whole events', async () => {
    const { path, version } = await collection();
    await create(path, 'a');
    const events = watch(to, `${path}?watch=true&timeoutSeconds=1&resourceVersion=${version}`);
    assert.deepEqual((await take(events, 100)).map(brief), ['ADDED a']);
  });

  test('a watch of one name sees that one', async () => {
    const { path, version } = await collection();
    for (const name of ['a', 'b', 'a2']) await create(path, name);
    await ask('DELETE', `${path}/b`);
    const events = watch(to, `${path}?watch=true&fieldSelector=metadata.name%3Db&resourceVersion=${version}`);
    assert.deepEqual((await take(events, 2)).map(brief), ['ADDED b', 'DELETED b']);
  });

  test('a table watch has its columns once, and a row an event', async () => {
    const { path, version } = await collection();
    await create(path, 'a');
    await create(path, 'b');
    const events = await take(watch(to, `${path}?watch=true&resourceVersion=${version}`, table), 2);
    const tables = events.map(({ object }) => object);
    assert.deepEqual(
      tables.map(({ kind, rows }) => [kind, rows[0].cells[0]]),
      [
        ['Table', 'a'],
        ['Table', 'b'],
      ],
    );
    assert.deepEqual(
      tables.map(({ columnDefinitions }) => columnDefinitions?.length ?? 0),
      [3, 0],
    );
  });

  test('a protobuf watch is frames of envelopes', async () => {
    const { path, version } = await collection();
    await create(path, 'in-protobuf');
    const query = `watch=true&timeoutSeconds=1&resourceVersion=${version}`;
    const parts: Buffer[] = [];
    for await (const chunk of chunks(to, `${path}?${query}`, protobuf)) parts.push(chunk);
    const bytes = Buffer.concat(parts);
    // Length, then WatchEvent { type, object { raw: "k8s\0" and the object's own envelope } }.
    assert.equal(bytes.readUInt32BE(0), bytes.length - 4);
    assert.deepEqual(bytes.subarray(4, 11), Buffer.from('\x0a\x05ADDED', 'latin1'));
    assert.ok(bytes.includes('k8s\0') && bytes.includes('ConfigMap') && bytes.includes('in-protobuf'));
  });

  test('pages show one version and together are the whole', async () => {
    const { path } = await collection();
    const names = Array.from({ length: 25 }, (_, i) => `c-${String(i).padStart(2, '0')}`);
    await Promise.all(names.map((name) => create(path, name)));
    const seen: string[] = [];
    const versions = new Set<string>();
    let next = '';
    do {
      const page = await ask('GET', `${path}?limit=10&continue=${next}`);
      seen.push(...page.items.map(({ metadata }: any) => metadata.name));
      versions.add(page.metadata.resourceVersion);
      if (seen.length === 10) await ask('DELETE', `${path}/c-20`);
      if (page.metadata.continue) assert.equal(page.metadata.remainingItemCount, names.length - seen.length);
      next = encodeURIComponent(page.metadata.continue ?? '');
    } while (next);
    assert.deepEqual(seen, names);
    assert.equal(versions.size, 1);
  });

  for (const seed of [1, 2, 3]) {
    test(`watchers that are cut and resume see each write of four writers once (seed ${seed})`, async () => {
      const { path, version } = await collection();
      const random = seededRandom(seed);
      const watchers = [0, 0, 3, 9].map((most) =>
        observe(`${path}?watch=true&allowWatchBookmarks=true`, version, most, random),
      );
      const written = (await Promise.all([0, 1, 2, 3].map((writer) => write(path, writer, random)))).flat();
      await create(path, 'last');
      const [first, ...others] = await Promise.all(watchers);
      // The writers know the version of all but deletions; of those, which writes of the same name they lie between.
      const hasVersion = (event: string) => !event.startsWith('DELETED');
      assert.deepEqual(first!.filter(hasVersion), written.filter(hasVersion).sort(byVersion));
      assert.deepEqual(byName(first!), byName(written));
      for (const seen of others) assert.deepEqual(seen, first);
    });
  }

  // Last: it restarts the server.
  test('after a restart a watch resumes from the last version, and an old one ends with 410', async () => {
    const { path } = await collection();
    const { metadata } = await create(path, 'a');
    assert.equal((await cluster.coracle(['down'])).code, 0);
    await cluster.up();
    await create(path, 'b');
    const resumed = watch(to, `${path}?watch=true&resourceVersion=${metadata.resourceVersion}`);
    assert.deepEqual((await take(resumed, 1)).map(brief), ['ADDED b']);
    const [event] = await take(watch(to, `${path}?watch=true&resourceVersion=1`), 1);
    assert.equal(event!.type, 'ERROR');
    assert.equal(event!.object.code, 410);
    assert.equal(event!.object.reason, 'Expired');
  });

  /** Creates, changes and deletes names of its own; says what it did, in order. */
  async function write(path: string, writer: number, random: Random): Promise<string[]> {
    const done: string[] = [];
    const live = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const name = `w${writer}-${Math.floor(random.next() * 5)}`;
      if (!live.has(name)) {
        const { metadata } = await create(path, name);
        done.push(`ADDED ${name} ${metadata.resourceVersion}`);
        live.add(name);
      } else if (random.next() < 0.25) {
        await ask('DELETE', `${path}/${name}`);
        done.push(`DELETED ${name}`);
        live.delete(name);
      } else {
        const { metadata } = await ask('PATCH', `${path}/${name}`, { data: { i: String(i) } }, mergePatch);
        done.push(`MODIFIED ${name} ${metadata.resourceVersion}`);
      }
    }
    return done;
  }

  /** Follows a collection to its object `last`; breaks off after up to `most` events and resumes (0: never). */
  async function observe(path: string, version: string, most: number, random: Random): Promise<string[]> {
    const seen: string[] = [];
    let since = Number(version);
    for (;;) {
      let left = most === 0 ? Number.POSITIVE_INFINITY : 1 + Math.floor(random.next() * most);
      for await (const { type, object } of watch(to, `${path}&resourceVersion=${since}`)) {
        const { name, resourceVersion } = object.metadata;
        assert.ok(Number(resourceVersion) >= since, `${resourceVersion} came after ${since}`);
        assert.ok(type === 'BOOKMARK' || Number(resourceVersion) > since, `${resourceVersion} came twice`);
        since = Number(resourceVersion);
        if (type === 'BOOKMARK') continue;
        if (name === 'last') return seen;
        seen.push(type === 'DELETED' ? `DELETED ${name}` : `${type} ${name} ${resourceVersion}`);
        if (--left === 0) break;
      }
    }
  }
});

const versionOf = (event: string) => Number(event.split(' ')[2]);
const byVersion = (a: string, b: string) => versionOf(a) - versionOf(b);
const byName = (events: readonly string[]) => Object.groupBy(events, (event) => event.split(' ')[1]!);

const brief = ({ type, object }: Watched) => `${type} ${object.metadata.name}`;
