import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../base/random.ts';
import { events, serve, type TestServer, take } from '../testing/serve.ts';

const configMaps = '/api/v1/namespaces/default/configmaps';
const create = (api: TestServer, name: string, labels: Record<string, string> = {}) =>
  api.call('POST', configMaps, { metadata: { name, labels } });
const short = (list: any[]) => list.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`.trim());

test('a watch goes on from a list without gap or repetition', async () => {
  await using api = await serve();
  await create(api, 'a');
  const { body } = await api.call('GET', configMaps);
  await create(api, 'b');
  const watching = events(await api.open(`${configMaps}?watch=1&resourceVersion=${body.metadata.resourceVersion}`));
  assert.deepEqual(short(await take(watching, 1)), ['ADDED b']);
  await create(api, 'c');
  await api.call('DELETE', `${configMaps}/a`);
  assert.deepEqual(short(await take(watching, 2)), ['ADDED c', 'DELETED a']);
  await watching.return(undefined);
});

test('an object that leaves a selector is deleted for that watcher', async () => {
  await using api = await serve();
  const watching = events(await api.open(`${configMaps}?watch=1&labelSelector=app%3Dx`));
  await create(api, 'a', { app: 'x' });
  await create(api, 'b', { app: 'y' });
  const patch = (labels: object) =>
    api.call('PATCH', `${configMaps}/a`, { metadata: { labels } }, { 'content-type': 'application/merge-patch+json' });
  await patch({ other: '1' });
  const left = await patch({ app: 'y' });
  await patch({ app: 'x' });
  const got = await take(watching, 4);
  assert.deepEqual(short(got), ['ADDED a', 'MODIFIED a', 'DELETED a', 'ADDED a']);
  assert.equal(got[2].object.metadata.labels.app, 'x');
  assert.equal(got[2].object.metadata.resourceVersion, left.body.metadata.resourceVersion);
  await watching.return(undefined);
});

test('a watch list ends its initial events with a marked bookmark', async () => {
  await using api = await serve();
  await create(api, 'a');
  const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  const watching = events(await api.open(`${configMaps}?${query}`));
  const [added, mark] = await take(watching, 2);
  assert.equal(added.object.metadata.name, 'a');
  assert.equal(mark.type, 'BOOKMARK');
  assert.equal(mark.object.metadata.annotations['k8s.io/initial-events-end'], 'true');
  assert.equal(mark.object.metadata.resourceVersion, added.object.metadata.resourceVersion);
  await watching.return(undefined);
});

test('what was there at the start of a watch ends with a marked bookmark of the kind, where bookmarks are wanted', async () => {
  await using api = await serve();
  const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices';
  for (const start of ['', '&resourceVersion=0']) {
    const watching = events(await api.open(`${slices}?watch=1&allowWatchBookmarks=1${start}`));
    const [{ type, object }] = await take(watching, 1);
    assert.equal(type, 'BOOKMARK');
    assert.deepEqual(object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
    assert.deepEqual([object.addressType, object.endpoints, object.ports], ['', null, null]);
    await watching.return(undefined);
  }
});

test('who does not want what is there hears of what comes, from any version', async () => {
  await using api = await serve();
  await create(api, 'a');
  const query = 'watch=1&sendInitialEvents=0&resourceVersionMatch=NotOlderThan&resourceVersion=0';
  const watching = events(await api.open(`${configMaps}?${query}`));
  const first = take(watching, 1);
  await create(api, 'b');
  assert.deepEqual(short(await first), ['ADDED b']);
  await watching.return(undefined);
});

test('a watch of lists of metadata ends when there is something to tell', async () => {
  await using api = await serve();
  const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
  const watching = await api.open(`${configMaps}?watch=1`, { accept });
  await create(api, 'a');
  let text = '';
  for await (const chunk of watching.stream()) text += Buffer.from(chunk).toString();
  assert.equal(text, '');
});

test('a revision from before the server started is too old', async () => {
  await using api = await serve();
  for (let index = 0; index < 3; index++) await create(api, `a-${index}`);
  const watching = events(await api.open(`${configMaps}?watch=1&resourceVersion=0`));
  assert.equal((await take(watching, 3)).length, 3);
  await watching.return(undefined);
  const caches = [...api.server.registry.hub.caches()];
  for (const cache of caches) cache.forgetUpTo(api.store.revision);
  const [error] = await take(events(await api.open(`${configMaps}?watch=1&resourceVersion=1`)), 1);
  assert.equal(error.type, 'ERROR');
  assert.equal(error.object.code, 410);
});

test('a table watch names its columns once', async () => {
  await using api = await serve();
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
  const watching = events(await api.open(`${configMaps}?watch=1`, { accept }));
  await create(api, 'a');
  await create(api, 'b');
  const [first, second] = await take(watching, 2);
  assert.equal(first.object.columnDefinitions[0].name, 'Name');
  assert.equal(second.object.columnDefinitions, null);
  await watching.return(undefined);
});

test('a client that does not read is cut, and does not hold others up', async () => {
  await using api = await serve();
  const slow = (await api.open(`${configMaps}?watch=1`)).stream()[Symbol.asyncIterator]();
  const quick = events(await api.open(`${configMaps}?watch=1`));
  const payload = 'x'.repeat(500_000);
  for (let index = 0; index < 60; index++) {
    await api.call('POST', configMaps, { metadata: { name: `c-${index}` }, data: { payload } });
    assert.deepEqual(short(await take(quick, 1)), [`ADDED c-${index}`]);
  }
  await assert.rejects(async () => {
    while (!(await slow.next()).done);
  }, /broke off/);
  await quick.return(undefined);
});

test('watchers cut at random places and resumed see exactly what was committed', async () => {
  const random = seededRandom(42);
  await using api = await serve();
  const { body } = await api.call('GET', configMaps);
  const seen: string[] = [];
  const stopping = new AbortController();
  const reading = (async () => {
    let since = body.metadata.resourceVersion;
    while (!stopping.signal.aborted) {
      const watching = events(await api.open(`${configMaps}?watch=1&resourceVersion=${since}`, {}, stopping.signal));
      let wanted = 1 + Math.floor(random.next() * 7);
      for await (const { type, object } of watching) {
        since = object.metadata.resourceVersion;
        seen.push(`${since} ${type} ${object.metadata.name}`);
        if (object.metadata.name === 'last') return;
        if (--wanted === 0) break;
      }
    }
  })();
  const expected: string[] = [];
  const live = new Set<string>();
  for (let step = 0; step < 300; step++) {
    const name = `c-${Math.floor(random.next() * 10)}`;
    if (!live.has(name)) {
      const { body: made } = await create(api, name);
      expected.push(`${made.metadata.resourceVersion} ADDED ${name}`);
      live.add(name);
    } else if (random.next() < 0.3) {
      await api.call('DELETE', `${configMaps}/${name}`);
      expected.push(`${api.store.revision} DELETED ${name}`);
      live.delete(name);
    } else {
      const patch = { data: { step: String(step) } };
      const { body: next } = await api.call('PATCH', `${configMaps}/${name}`, patch, {
        'content-type': 'application/merge-patch+json',
      });
      expected.push(`${next.metadata.resourceVersion} MODIFIED ${name}`);
    }
  }
  const { body: last } = await create(api, 'last');
  expected.push(`${last.metadata.resourceVersion} ADDED last`);
  await reading;
  stopping.abort();
  assert.deepEqual(seen, expected);
});
