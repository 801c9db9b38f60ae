import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { NodeCache } from '../node-cache.ts';
import { nodeChanges } from '../object-changes.ts';
import { snapshotOf } from '../plugin.ts';
import { viewOf } from '../pod-view.ts';
import { nodeDeclaredFeatures } from './node-declared-features.ts';

const restartAll = 'RestartAllContainersOnContainerExits';
const aNode = (name: string, ...declaredFeatures: string[]): Node => ({
  metadata: { name },
  spec: {},
  status: { declaredFeatures },
});
const aPod = (action: string): Pod => ({
  metadata: { name: 'p', namespace: 'ns' },
  spec: { containers: [{ name: 'c', restartPolicyRules: [{ action }] }] },
});

test('a pod goes only where what it needs is declared, others go anywhere', () => {
  const cache = new NodeCache();
  cache.setNode(aNode('old'));
  cache.setNode(aNode('new', 'ExtendWebSocketsToKubelet', restartAll));
  const world = snapshotOf(cache, { namespaceLabels: () => undefined, services: () => [] });
  const reasons = (pod: Pod) => {
    const asked = nodeDeclaredFeatures.prepare(viewOf(pod), world);
    assert.ok(asked === undefined || typeof asked === 'function');
    return world.nodes.map((node) => asked?.(node)[0]?.reason ?? `goes to ${node.name}`).sort();
  };
  assert.deepEqual(reasons(aPod('Restart')), ['goes to new', 'goes to old']);
  assert.deepEqual(reasons(aPod('RestartAllContainers')), [
    'goes to new',
    "node(s) didn't match Pod's required features",
  ]);
});

test('what a node declares anew makes pods look again, and tells their shapes apart', () => {
  assert.deepEqual(nodeChanges(aNode('a', restartAll), aNode('a')), ['node-features']);
  assert.deepEqual(nodeChanges(aNode('a', restartAll), aNode('a', restartAll)), []);
  assert.notEqual(viewOf(aPod('RestartAllContainers')).signature, viewOf(aPod('Restart')).signature);
});
