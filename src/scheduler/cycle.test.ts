import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Affinity, Node, Pod, PodSpec } from '../../generated/core-v1.ts';
import { seededRandom } from '../base/random.ts';
import { Decider, type Decision, describeRefusals } from './cycle.ts';
import { NodeCache } from './node-cache.ts';
import { Nominations } from './nominations.ts';
import { type Snapshot, snapshotOf } from './plugin.ts';
import { filters, scores } from './plugins/index.ts';
import { type PodView, viewOf } from './pod-view.ts';
import { Budgets, Preemptor } from './preemption.ts';

interface NodeSketch {
  cpu?: string;
  labels?: Record<string, string>;
  taints?: Node['spec']['taints'];
  unschedulable?: boolean;
}

interface PodSketch extends Partial<PodSpec> {
  cpu?: string;
  labels?: Record<string, string>;
  owner?: string;
}

function aNode(name: string, { cpu = '4', labels = {}, taints, unschedulable }: NodeSketch = {}): Node {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { ...(taints ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
    status: { allocatable: { cpu, memory: '8Gi', pods: '10' } },
  };
}

function aPod(name: string, { cpu, labels = {}, owner, ...spec }: PodSketch = {}): Pod {
  const resources = cpu ? { requests: { cpu } } : {};
  const ownerReferences = owner
    ? [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }]
    : [];
  return {
    metadata: { name, namespace: 'default', uid: name, labels, ownerReferences },
    spec: { containers: [{ name: 'main', image: 'web:1', resources }], ...spec },
  };
}

function world(nodes: readonly Node[], placed: readonly [Pod, string][] = []): Snapshot {
  const cache = new NodeCache();
  for (const node of nodes) cache.setNode(node);
  for (const [pod, node] of placed) cache.place(pod, node);
  return snapshotOf(cache, { namespaceLabels: () => ({}), services: () => [] });
}

const deciderOf = (snapshot: Snapshot, nominations = new Nominations()) =>
  new Decider(snapshot, { filters, scores }, { nominations });

const decide = (pod: PodView, snapshot: Snapshot, nominations?: Nominations): Decision =>
  deciderOf(snapshot, nominations).decide(pod, { startAt: 0, random: seededRandom(1) });

function outcome(pod: Pod, snapshot: Snapshot): string {
  const decision = decide(viewOf(pod), snapshot);
  return decision.type === 'node' ? decision.node.name : describeRefusals(snapshot.nodes.length, decision.refusals);
}

const antiAffinity = (app: string) => ({
  podAntiAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: [
      { labelSelector: { matchLabels: { app } }, topologyKey: 'kubernetes.io/hostname' },
    ],
  },
});

for (const { name, pod, nodes, placed = [], want } of [
  {
    name: 'takes the node with the most left',
    pod: aPod('p', { cpu: '1' }),
    nodes: [aNode('a'), aNode('b')],
    placed: [[aPod('x', { cpu: '2' }), 'a']] as [Pod, string][],
    want: 'b',
  },
  {
    name: 'says when there is not enough',
    pod: aPod('p', { cpu: '5' }),
    nodes: [aNode('a'), aNode('b')],
    want: '0/2 nodes are available: 2 Insufficient cpu.',
  },
  {
    name: 'follows the node selector',
    pod: aPod('p', { nodeSelector: { disk: 'ssd' } }),
    nodes: [aNode('a'), aNode('b', { labels: { disk: 'ssd' } })],
    want: 'b',
  },
  {
    name: 'keeps off tainted nodes',
    pod: aPod('p'),
    nodes: [aNode('a', { taints: [{ key: 'x', effect: 'NoSchedule' }] })],
    want: '0/1 nodes are available: 1 node(s) had untolerated taint(s).',
  },
  {
    name: 'goes where its tolerations let it',
    pod: aPod('p', { tolerations: [{ operator: 'Exists' }] }),
    nodes: [aNode('a', { taints: [{ key: 'x', effect: 'NoExecute' }] })],
    want: 'a',
  },
  {
    name: 'keeps off cordoned nodes',
    pod: aPod('p'),
    nodes: [aNode('a', { unschedulable: true }), aNode('b')],
    want: 'b',
  },
  {
    name: 'spreads the pods of one owner',
    pod: aPod('p', { owner: 'rs' }),
    nodes: [aNode('a'), aNode('b')],
    placed: [
      [aPod('x', { owner: 'rs' }), 'a'],
      [aPod('y', { cpu: '500m' }), 'b'],
    ] as [Pod, string][],
    want: 'b',
  },
  {
    name: 'keeps apart what wants to be apart',
    pod: aPod('p', { labels: { app: 'db' }, affinity: antiAffinity('db') }),
    nodes: [aNode('a')],
    placed: [[aPod('x', { labels: { app: 'db' } }), 'a']] as [Pod, string][],
    want: "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.",
  },
  {
    name: 'respects the anti-affinity of pods that are there',
    pod: aPod('p', { labels: { app: 'web' } }),
    nodes: [aNode('a')],
    placed: [[aPod('x', { affinity: antiAffinity('web') }), 'a']] as [Pod, string][],
    want: "0/1 nodes are available: 1 node(s) didn't satisfy existing pods anti-affinity rules.",
  },
  {
    name: 'counts host ports',
    pod: aPod('p', { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80 }] }] }),
    nodes: [aNode('a')],
    placed: [[aPod('x', { containers: [{ name: 'c', ports: [{ containerPort: 1, hostPort: 80 }] }] }), 'a']] as [
      Pod,
      string,
    ][],
    want: "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports.",
  },
]) {
  test(`the scheduler ${name}`, () => assert.equal(outcome(pod, world(nodes, placed)), want));
}

test('weaker pods leave the room that was promised to a stronger one, equal and stronger ones too', () => {
  const snapshot = world([aNode('a', { cpu: '4' })]);
  const nominations = new Nominations();
  nominations.set(viewOf(aPod('promised', { cpu: '3', priority: 5 })), 'a');
  const outcomeFor = (priority: number) =>
    decide(viewOf(aPod('p', { cpu: '2', priority })), snapshot, nominations).type;
  assert.deepEqual([1, 5, 9].map(outcomeFor), ['none', 'none', 'node']);
});

test('a pod goes to the node its victims left, though others are emptier', () => {
  const snapshot = world([aNode('a'), aNode('b')], [[aPod('x', { cpu: '1' }), 'b']]);
  const nominations = new Nominations();
  const pod = viewOf(aPod('p', { cpu: '2' }));
  nominations.set(pod, 'b');
  const decision = decide(pod, snapshot, nominations);
  assert.equal(decision.type === 'node' && decision.node.name, 'b');
});

test('a refused pod says what could help it', () => {
  const snapshot = world([aNode('a', { taints: [{ key: 'x', effect: 'NoSchedule' }] }), aNode('b', { cpu: '1' })]);
  const decision = decide(viewOf(aPod('p', { cpu: '2' })), snapshot);
  const wokenBy = decision.type === 'none' ? [...decision.wokenBy].sort() : [];
  assert.deepEqual(wokenBy, ['devices', 'node-added', 'node-room', 'node-taints', 'pod-gone']);
});

const budgets = new Budgets([]);
const preemptorOf = (snapshot: Snapshot) => new Preemptor(snapshot, deciderOf(snapshot));
const noRefusals = { of: () => [], hopeful: () => [] };

test('a pod does not evict again while its victims go', () => {
  const victim = aPod('victim', { cpu: '4' });
  victim.metadata.deletionTimestamp = '2030-01-01T00:00:00Z';
  const snapshot = world([aNode('a')], [[victim, 'a']]);
  const pod = viewOf(aPod('p', { cpu: '4', priority: 5 }));
  const plan = preemptorOf(snapshot).plan(pod, noRefusals, { budgets, promisedNode: 'a' });
  assert.deepEqual(plan, {
    message: 'preemption: not eligible due to a terminating pod on the nominated node.',
    isWaiting: true,
  });
});

test('preemption takes the weakest pods that make room, and no more', () => {
  const nodes = [aNode('a'), aNode('b')];
  const snapshot = world(nodes, [
    [aPod('strong', { cpu: '3', priority: 5 }), 'a'],
    [aPod('weak', { cpu: '1', priority: 1 }), 'b'],
    [aPod('weaker', { cpu: '2', priority: 0 }), 'b'],
  ]);
  const pod = viewOf(aPod('p', { cpu: '3', priority: 10 }));
  const decision = decide(pod, snapshot);
  assert.ok(decision.type === 'none');
  const plan = preemptorOf(snapshot).plan(pod, decision.refusals, { budgets });
  assert.ok('chosen' in plan);
  assert.deepEqual([plan.chosen.node, plan.chosen.victims.map(({ key }) => key)], ['b', ['default/weaker']]);
});

test('preemption says why it can not help', () => {
  const snapshot = world([aNode('a', { cpu: '1' })], [[aPod('x', { cpu: '1' }), 'a']]);
  const refuse = (cpu: string) => {
    const pod = viewOf(aPod('p', { cpu }));
    const decision = decide(pod, snapshot);
    assert.ok(decision.type === 'none');
    const plan = preemptorOf(snapshot).plan(pod, decision.refusals, { budgets });
    return 'message' in plan ? plan.message : '';
  };
  assert.equal(refuse('1'), 'preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.');
  assert.equal(refuse('2'), 'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.');
});

test('a pod for one node is judged by that node alone', () => {
  const affinityTo = (name: string): Affinity => ({
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
      },
    },
  });
  const snapshot = world([aNode('a'), aNode('b'), aNode('c')], [[aPod('x', { cpu: '4' }), 'b']]);
  assert.equal(outcome(aPod('p', { cpu: '1', affinity: affinityTo('c') }), snapshot), 'c');
  assert.equal(
    outcome(aPod('p', { cpu: '1', affinity: affinityTo('b') }), snapshot),
    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
  );
});
