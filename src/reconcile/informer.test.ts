import assert from 'node:assert/strict';
import test from 'node:test';
import type { ConfigMap } from '../../generated/core-v1.ts';
import { configMapKind } from '../../generated/kinds.ts';
import { expired } from '../api/meta/status-error.ts';
import { FakeClock } from '../base/clock-fake.ts';
import { silentLogger } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import type { Client, List, ListOptions, WatchEvent, WatchOptions } from '../client/client.ts';
import { createInformerFactory } from './informer-factory.ts';

type Event = WatchEvent<ConfigMap>;

/** A server with one kind: lists are what `objects` holds, watches what is pushed. */
class OneKindServer {
  objects: ConfigMap[] = [];
  revision = 1;
  readonly lists: ListOptions[] = [];
  readonly watches: WatchOptions[] = [];
  pageSize = 2;
  #push: ((event: Event | Error | undefined) => void) | undefined;

  get client(): Client {
    const resource = {
      list: (options: ListOptions) => this.#list(options),
      watch: (options: WatchOptions) => this.#watch(options),
    };
    return { resource: () => resource } as unknown as Client;
  }

  /** An event, an error, or (undefined) the end of the watch. */
  send(event: Event | Error | undefined): void {
    this.#push?.(event);
  }

  async #list(options: ListOptions): Promise<List<ConfigMap>> {
    this.lists.push(options);
    const start = Number(options.continue ?? 0);
    const end = start + this.pageSize;
    const items = structuredClone(this.objects.slice(start, end));
    const more = end < this.objects.length ? { continue: `${end}` } : {};
    return { metadata: { resourceVersion: `${this.revision}`, ...more }, items };
  }

  async *#watch(options: WatchOptions): AsyncGenerator<Event> {
    this.watches.push(options);
    const queue: (Event | Error | undefined)[] = [];
    let wake = () => {};
    const push = (event: Event | Error | undefined) => {
      queue.push(event);
      wake();
    };
    this.#push = push;
    options.signal?.addEventListener('abort', () => push(undefined));
    for (;;) {
      if (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
      const next = queue.shift();
      if (next === undefined) return;
      if (next instanceof Error) throw next;
      yield next;
    }
  }
}

const configMap = (name: string, resourceVersion: number, labels: Record<string, string> = {}): ConfigMap => ({
  metadata: {
    name,
    namespace: 'ns',
    uid: `uid-${name}`,
    resourceVersion: `${resourceVersion}`,
    labels,
    managedFields: [],
  },
});

async function started(objects: ConfigMap[]) {
  const server = new OneKindServer();
  server.objects = objects;
  const clock = new FakeClock();
  const factory = createInformerFactory({ client: server.client, clock, random: seededRandom(1), log: silentLogger });
  const informer = factory.informer(configMapKind);
  const seen: string[] = [];
  informer.onChange({
    added: ({ metadata }) => seen.push(`+${metadata.name}`),
    updated: ({ metadata }, before) => seen.push(`~${metadata.name} ${before.metadata.resourceVersion}`),
    deleted: ({ metadata }) => seen.push(`-${metadata.name}`),
  });
  const controller = new AbortController();
  const running = factory.run(controller.signal);
  await clock.advance(0);
  const stop = async () => {
    controller.abort();
    await running;
  };
  return { server, clock, factory, informer, seen, stop };
}

test('an informer lists in pages, then follows the watch', async () => {
  const { server, clock, informer, seen, stop } = await started([
    configMap('a', 1),
    configMap('b', 1),
    configMap('c', 1),
  ]);
  assert.equal(informer.hasSynced, true);
  assert.equal(server.lists.length, 2);
  server.send({ type: 'MODIFIED', object: configMap('a', 2) });
  server.send({ type: 'DELETED', object: configMap('b', 3) });
  await clock.advance(0);
  assert.deepEqual(seen, ['+a', '+b', '+c', '~a 1', '-b']);
  assert.equal(informer.find('ns/a')?.metadata.resourceVersion, '2');
  assert.equal(informer.find('ns/b'), undefined);
  await stop();
});

test('an informer freezes what it holds and drops managedFields', async () => {
  const { informer, stop } = await started([configMap('a', 1, { app: 'x' })]);
  const object = informer.find('ns/a')!;
  assert.equal(object.metadata.managedFields, undefined);
  assert.throws(() => {
    object.metadata.labels!['app'] = 'y';
  });
  await stop();
});

test('an informer resumes a broken watch from the last revision it saw, bookmarks included', async () => {
  const { server, clock, stop } = await started([configMap('a', 1)]);
  server.send({ type: 'MODIFIED', object: configMap('a', 7) });
  server.send({ type: 'BOOKMARK', object: { metadata: { name: '', resourceVersion: '9' } } });
  server.send(new Error('connection lost'));
  await clock.advance(0);
  await clock.advance(1000);
  assert.deepEqual(
    server.watches.map(({ resourceVersion }) => resourceVersion),
    ['1', '9'],
  );
  assert.equal(server.lists.length, 1);
  await stop();
});

test('an informer lists again when its revision is too old, and tells what it missed', async () => {
  const { server, clock, informer, seen, stop } = await started([configMap('a', 1), configMap('b', 1)]);
  seen.length = 0;
  server.objects = [configMap('b', 4), configMap('c', 5)];
  server.revision = 6;
  server.send(expired('too old resource version'));
  await clock.advance(0);
  await clock.advance(1000);
  assert.deepEqual(seen, ['~b 1', '+c', '-a']);
  assert.equal(server.watches.at(-1)?.resourceVersion, '6');
  assert.deepEqual(
    informer.list('ns').map(({ metadata }) => metadata.name),
    ['b', 'c'],
  );
  await stop();
});

test('an informer tells of a new object under an old name as a deletion and an addition', async () => {
  const { server, clock, seen, stop } = await started([configMap('a', 1)]);
  const namesake = configMap('a', 2);
  namesake.metadata.uid = 'another';
  server.send({ type: 'MODIFIED', object: namesake });
  await clock.advance(0);
  assert.deepEqual(seen, ['+a', '-a', '+a']);
  await stop();
});

test('an informer keeps its indexes in step', async () => {
  const { server, clock, informer, stop } = await started([configMap('a', 1, { app: 'x' })]);
  informer.addIndex('app', ({ metadata }) => [metadata.labels?.['app'] ?? '']);
  server.send({ type: 'MODIFIED', object: configMap('a', 2, { app: 'y' }) });
  await clock.advance(0);
  assert.equal(informer.byIndex('app', 'x').length, 0);
  assert.equal(informer.byIndex('app', 'y').length, 1);
  assert.throws(() => informer.byIndex('none', 'x'), /not asked for/);
  await stop();
});

test('a factory gives the same informer to all who ask for the same', async () => {
  const { factory, informer, stop } = await started([]);
  assert.equal(factory.informer(configMapKind), informer);
  assert.notEqual(factory.informer(configMapKind, { namespace: 'other' }), informer);
  await stop();
});

test('handlers that come late hear of what is there', async () => {
  const { informer, stop } = await started([configMap('a', 1)]);
  const late: string[] = [];
  informer.onChange({ added: ({ metadata }) => late.push(metadata.name) });
  assert.deepEqual(late, ['a']);
  await stop();
});
