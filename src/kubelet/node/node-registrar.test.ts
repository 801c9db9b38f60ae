import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeKind } from '../../../generated/kinds.ts';
import type { Clock } from '../../base/clock.ts';
import { FakeClock } from '../../base/clock-fake.ts';
import { silentLogger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { startCluster } from '../../testing/start-cluster.ts';
import { NodeRegistrar, type NodeRegistrarOptions } from './node-registrar.ts';

const key = { namespace: '', name: 'n' };
const foo = 'example.com/foo';

function registrarOf(client: Client, clock: Clock, annotations: NodeRegistrarOptions['annotations'] = {}) {
  const own = { cpu: '2', memory: '1Gi', pods: '110' };
  return new NodeRegistrar({
    nodeName: 'n',
    client,
    runtime: {
      conditions: async () => [],
      features: async () => ({ supplementalGroupsPolicy: false, handlers: [] }),
      listImages: async () => [],
      version: async () => ({ name: 'test', version: '1' }),
    } as never,
    events: { node() {} } as never,
    clock,
    log: silentLogger,
    machine: { systemInfo: {} } as never,
    addresses: [],
    port: 10250,
    resources: () => ({ capacity: own, allocatable: own }),
    pressure: () => ({ memory: false, disk: false, pids: false }),
    labels: {},
    annotations,
    timing: {
      registerNode: true,
      nodeStatusUpdateMs: 10_000,
      nodeStatusReportMs: 300_000,
      nodeLeaseSeconds: 40,
      nodeStatusMaxImages: 50,
    },
  });
}

test('a report says nothing of resources that others announce, however old what the agent knows of them is', async () => {
  await using cluster = await startCluster({ nodes: 0 });
  const nodes = cluster.client.resource(nodeKind);
  const clock = new FakeClock();
  const registrar = registrarOf(cluster.client, clock);
  const announce = async (amount: string | null) => {
    const amounts = { [foo]: amount };
    await nodes.patch(key, { status: { capacity: amounts, allocatable: amounts } } as never, {
      type: 'merge',
      subresource: 'status',
    });
  };
  const amount = async () => (await nodes.get(key)).status?.allocatable?.[foo];
  const report = async () => {
    await clock.advance(300_000);
    await registrar.refresh();
  };
  await registrar.register(new AbortController().signal);
  await announce('10');
  await report();
  for (const next of ['1', null] as const) {
    await announce(next);
    await report();
    assert.equal(await amount(), next ?? undefined);
  }
  assert.equal((await nodes.get(key)).status?.allocatable?.['cpu'], '2');
});

test('annotations are those that the agent has now, whatever it had when it made the node', async () => {
  await using cluster = await startCluster({ nodes: 0 });
  const signal = new AbortController().signal;
  const annotations = async () => (await cluster.client.resource(nodeKind).get(key)).metadata.annotations;
  for (const wanted of [
    { a: '1', b: undefined },
    { a: undefined, b: '2' },
  ]) {
    await registrarOf(cluster.client, new FakeClock(), wanted).register(signal);
    const found = await annotations();
    assert.deepEqual({ a: found?.['a'], b: found?.['b'] }, wanted);
  }
});
