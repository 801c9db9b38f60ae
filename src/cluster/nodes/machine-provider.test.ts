import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventKind, nodeKind } from '../../../generated/kinds.ts';
import { silentLogger } from '../../base/log.ts';
import { seededRandom } from '../../base/random.ts';
import { createInformerFactory } from '../../reconcile/informer-factory.ts';
import { createManager } from '../../reconcile/manager.ts';
import { startCluster } from '../../testing/start-cluster.ts';
import { machineControllers } from './machine-controllers.ts';
import { providerIdOf } from './machine-provider.ts';

const taint = (key: string) => ({ key: `node.cloudprovider.kubernetes.io/${key}`, effect: 'NoSchedule' });

/** A cluster with the controllers of a machine that has the nodes `first` and `second`. */
async function machine() {
  const cluster = await startCluster();
  const { client, clock } = cluster;
  const folder = mkdtempSync(join(tmpdir(), 'machine-provider-'));
  const settingsFile = join(folder, 'cluster.json');
  const knows = (...further: string[]) =>
    writeFileSync(settingsFile, JSON.stringify({ nodeName: 'first', furtherNodes: further.map((name) => ({ name })) }));
  knows('second');
  mkdirSync(join(folder, 'ns-second'));
  const [random, log, stop] = [seededRandom(1), silentLogger, new AbortController()];
  const informers = createInformerFactory({ client, clock, random, log });
  const settings = { cluster: 'one', settingsFile, namespacePrefix: join(folder, 'ns-') };
  const manager = createManager({
    name: 'cloud',
    client,
    clientFor: () => client,
    clock,
    random,
    log,
    controllers: [...machineControllers(settings)],
    informers,
  });
  const running = Promise.all([informers.run(stop.signal), manager.run(stop.signal)]);
  const nodes = client.resource(nodeKind);
  return {
    nodes,
    folder,
    knows,
    events: async () => (await client.resource(eventKind).list({ namespace: 'default' })).items,
    create: (name: string, spec: object) => nodes.create({ metadata: { name }, spec } as never),
    find: async (name: string) => {
      await clock.advance('10s');
      return nodes.find({ namespace: '', name });
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
      await cluster[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

const keysOf = (node: { spec: { taints?: { key: string }[] } } | undefined) =>
  (node?.spec.taints ?? []).map(({ key }) => key).filter((key) => key.includes('cloudprovider'));

test('a node that waits for its provider is told which machine it is, and one of nobody waits on', async () => {
  await using at = await machine();
  await at.create('second', { taints: [taint('uninitialized')] });
  await at.create('stranger', { taints: [taint('uninitialized')] });
  const second = await at.find('second');
  assert.equal(second!.spec.providerID, providerIdOf('one', 'second'));
  assert.equal(second!.metadata.labels!['node.kubernetes.io/instance-type'], 'namespace');
  assert.deepEqual(keysOf(second), []);
  assert.deepEqual(keysOf(await at.find('stranger')), ['node.cloudprovider.kubernetes.io/uninitialized']);
  const told = (await at.events()).filter(({ source }) => source?.component === 'cloud-node-controller');
  assert.deepEqual(
    told.map(({ message, involvedObject }) => `${involvedObject.name}: ${message}`),
    ['second: Node synced successfully'],
  );
});

test('a node that is not ready is marked while its namespace is away, and goes with its machine; others stay', async () => {
  await using at = await machine();
  await at.create('second', { providerID: providerIdOf('one', 'second') });
  await at.create('joined', {});
  await at.create('theirs', { providerID: providerIdOf('two', 'theirs') });
  assert.deepEqual(keysOf(await at.find('second')), []);
  rmSync(join(at.folder, 'ns-second'), { recursive: true });
  assert.deepEqual(keysOf(await at.find('second')), ['node.cloudprovider.kubernetes.io/shutdown']);
  const conditions = [{ type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' }];
  const status = { conditions };
  await at.nodes.patch({ namespace: '', name: 'second' }, { status } as never, {
    type: 'merge',
    subresource: 'status',
  });
  assert.deepEqual(keysOf(await at.find('second')), []);
  at.knows();
  assert.ok(await at.find('second'), 'it is ready');
  const unknown = { conditions: [{ ...conditions[0]!, status: 'Unknown' }] };
  const gone = { status: unknown } as never;
  await at.nodes.patch({ namespace: '', name: 'second' }, gone, { type: 'merge', subresource: 'status' });
  assert.equal(await at.find('second'), undefined);
  assert.ok((await at.find('joined')) && (await at.find('theirs')));
  const [event] = (await at.events()).filter(({ reason }) => reason === 'DeletingNode');
  assert.equal(event!.message, 'Deleting node second because it does not exist in the cloud provider');
});
