// What the autoscaler makes of caches that are behind, and of answers that do not come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { nodeKind, podKind } from '../../../generated/kinds.ts';
import type { Transport } from '../../client/transport.ts';
import { nodeScaling } from '../../cluster/nodes/node-scaling.ts';
import { startLoneServer } from '../../testing/fed-informers.ts';

const groups = [{ name: 'small', min: 0, max: 400, resources: { cpu: '4', memory: '16Gi' } }];
const podsANode = 4;
const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const;

async function start(between?: (transport: Transport) => Transport) {
  const server = await startLoneServer(between);
  const { client, clock, informers, context } = server;
  const controller = nodeScaling({ groups }).setup(context, { add() {}, addAfter() {} });
  const stopping = new AbortController();
  const running = controller.run!(stopping.signal);
  const tell = (pod: Pod) => informers.informer(podKind).changed('MODIFIED', pod);
  return {
    clock,
    tell,
    showNode: (node: Node) => informers.informer(nodeKind).changed('MODIFIED', node),
    nodes: async () => (await client.resource(nodeKind).list()).items,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      const ended = running.then(() => true);
      while (!(await Promise.race([ended, clock.advance(1_000).then(() => false)])));
      await server[Symbol.asyncDispose]();
    },
  };
}

let versions = 1000;
const nextVersion = () => `${versions++}`;

/** Waits for room while it is on no node. */
function pod(index: number, nodeName?: string): Pod {
  const metadata = { namespace: 'default', name: `pod-${index}`, uid: `uid-${index}`, resourceVersion: nextVersion() };
  const unschedulable = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable' };
  const containers = [{ name: 'c', image: 'app', resources: { requests: { cpu: '900m' } } }];
  return {
    metadata,
    spec: { containers, ...(nodeName ? { nodeName } : {}) },
    status: { phase: 'Pending', conditions: nodeName ? [] : [unschedulable] },
  } as Pod;
}

/** As it is when it says that it is ready, with these taints still on it. */
function ready(node: Node, taints: readonly { key: string; effect: 'NoSchedule' }[]): Node {
  const metadata = { ...node.metadata, resourceVersion: nextVersion() };
  const conditions = [{ type: 'Ready', status: 'True' }];
  return { ...node, metadata, spec: { ...node.spec, taints }, status: { ...node.status, conditions } } as Node;
}

test('a node that says it is ready and bears the taint of one that is not yet is on its way', async () => {
  await using cluster = await start();
  const { clock, tell, showNode, nodes } = cluster;
  for (let index = 0; index < 40; index++) tell(pod(index));
  await clock.advance('15s');
  const made = await nodes();
  assert.equal(made.length, 10);
  for (const node of made) showNode(ready(node, [notReady]));
  await clock.advance('20s');
  assert.equal((await nodes()).length, 10);
  for (const node of made) showNode(ready(node, []));
  await clock.advance('20s');
  assert.equal((await nodes()).length, 10);
});

test('pods on nodes that are not seen yet, and nodes whose pods are not, call for no more', async () => {
  await using cluster = await start();
  const { clock, tell, showNode, nodes } = cluster;
  for (let index = 0; index < 40; index++) tell(pod(index));
  await clock.advance('15s');
  const made = await nodes();
  const nodeOf = (index: number) => made[Math.floor(index / podsANode)]!.metadata.name;
  // Of half of the pods it is known where they are before that the nodes are, of the others after.
  for (let index = 0; index < 20; index++) tell(pod(index, nodeOf(index)));
  await clock.advance('20s');
  assert.equal((await nodes()).length, 10);
  for (const node of made) showNode(ready(node, []));
  await clock.advance('20s');
  assert.equal((await nodes()).length, 10);
  for (let index = 20; index < 40; index++) tell(pod(index, nodeOf(index)));
  await clock.advance('20s');
  assert.equal((await nodes()).length, 10);
});

test('a node that was asked for without an answer is asked for again, and not one beside it', async () => {
  const asked = new Map<string, number>();
  await using cluster = await start((transport) => ({
    ...transport,
    async request(request) {
      if (request.method !== 'POST' || !request.path.startsWith('/api/v1/nodes')) return transport.request(request);
      const { name } = JSON.parse(new TextDecoder().decode(request.body)).metadata;
      const tries = asked.get(name) ?? 0;
      asked.set(name, tries + 1);
      // Of each second one the question is lost, twice; of the others the answer.
      const isQuestionLost = [...asked.keys()].indexOf(name) % 2 === 0;
      if (isQuestionLost && tries < 2) throw new Error('connection reset');
      const answer = await transport.request(request);
      if (!isQuestionLost && tries === 0) throw new Error('connection reset');
      return answer;
    },
  }));
  const { clock, tell, showNode, nodes } = cluster;
  for (let index = 0; index < 40; index++) tell(pod(index));
  await clock.advance('60s');
  const made = await nodes();
  assert.equal(made.length, 10);
  for (const node of made) showNode(ready(node, []));
  await clock.advance('60s');
  assert.equal((await nodes()).length, 10);
  assert.equal(asked.size, 10);
});
