import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { seededRandom } from '../../base/random.ts';
import { parseConfiguration } from '../config/configuration.ts';
import { activePlugins } from '../config/profile-plugins.ts';
import { Decider, describeRefusals } from '../cycle.ts';
import { NodeCache } from '../node-cache.ts';
import { snapshotOf } from '../plugin.ts';
import { viewOf } from '../pod-view.ts';
import { pluginsFor } from './for-profile.ts';

const header = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';

const node = (name: string, labels: Record<string, string> = {}): Node => ({
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  spec: {},
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '10' } },
});

const pod = (name: string, cpu = '1'): Pod => ({
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'web', controller: true }],
  },
  spec: { containers: [{ name: 'c', image: 'i:1', resources: { requests: { cpu, memory: '1Gi' } } }] },
});

/** Where the pod goes, or why it goes nowhere. */
function outcome(profileYaml: string, nodes: readonly Node[], placed: readonly [string, string][] = []): string {
  const [profile] = parseConfiguration(`${header}profiles: [${profileYaml}]`).profiles;
  const cache = new NodeCache();
  for (const each of nodes) cache.setNode(each);
  for (const [name, where] of placed) cache.place(pod(name), where);
  const snapshot = snapshotOf(cache, { namespaceLabels: () => ({}), services: () => [] });
  const decider = new Decider(snapshot, pluginsFor(profile!, activePlugins(profile!), new Set()));
  const decision = decider.decide(viewOf(pod('new')), { startAt: 0, random: seededRandom(1) });
  return decision.type === 'node' ? decision.node.name : describeRefusals(nodes.length, decision.refusals);
}

const config = (name: string, args: string) => `{pluginConfig: [{name: ${name}, args: ${args}}]}`;

test('nodes are filled one after the other, when the profile says so', () => {
  const onlyFit = 'plugins: {score: {disabled: [{name: "*"}], enabled: [{name: NodeResourcesFit}]}}';
  const strategy = (text: string) =>
    `{${onlyFit}, pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: ${text}}}]}`;
  const nodes = [node('a'), node('b')];
  assert.equal(outcome(strategy('{type: MostAllocated}'), nodes, [['x', 'b']]), 'b');
  assert.equal(
    outcome(strategy('{type: LeastAllocated, resources: [{name: cpu, weight: 5}]}'), nodes, [['x', 'b']]),
    'a',
  );
  const shape = '{shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}';
  assert.equal(
    outcome(strategy(`{type: RequestedToCapacityRatio, requestedToCapacityRatio: ${shape}}`), nodes, [['x', 'b']]),
    'b',
  );
});

test('a profile adds an affinity of its own', () => {
  const terms = '{nodeSelectorTerms: [{matchExpressions: [{key: disk, operator: In, values: [ssd]}]}]}';
  const profile = config('NodeAffinity', `{addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: ${terms}}}`);
  assert.equal(outcome(profile, [node('a'), node('b', { disk: 'ssd' })]), 'b');
  const refused = "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity.";
  assert.equal(outcome(profile, [node('a')]), refused);
});

test('pods without constraints get those of the profile', () => {
  const constraint = '{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}';
  const profile = config('PodTopologySpread', `{defaultingType: List, defaultConstraints: [${constraint}]}`);
  const nodes = [node('a', { zone: 'one' }), node('b', { zone: 'two' })];
  assert.equal(outcome(profile, nodes, [['x', 'a']]), 'b');
  assert.equal(outcome(profile, nodes, [['x', 'b']]), 'a');
});
