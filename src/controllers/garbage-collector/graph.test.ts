import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterRoleKind, configMapKind } from '../../../generated/kinds.ts';
import { Graph } from './graph.ts';

const meta = (name: string, namespace: string | undefined, ...owners: string[]) => ({
  name,
  uid: name,
  ...(namespace ? { namespace } : {}),
  ownerReferences: owners.map((uid) => ({ apiVersion: 'v1', kind: 'ConfigMap', name: uid, uid })),
});

function graph() {
  const told: string[] = [];
  const made = new Graph(
    () => {},
    ({ kind, metadata }, message) => told.push(`${kind} ${metadata.name}: ${message}`),
  );
  return { made, told };
}

const wrong = (kind: string, namespace: string) =>
  `${kind} b: ownerRef [v1/ConfigMap, namespace: ${namespace}, name: a, uid: a] does not exist in namespace "${namespace}"`;

test('what names an owner in another namespace is told of, once, whichever is seen first', () => {
  const ownerFirst = graph();
  ownerFirst.made.put(configMapKind, meta('a', 'x'));
  ownerFirst.made.put(configMapKind, meta('b', 'y', 'a'));
  ownerFirst.made.put(configMapKind, { ...meta('b', 'y', 'a'), resourceVersion: '2' });
  assert.deepEqual(ownerFirst.told, [wrong('ConfigMap', 'y')]);
  const ownerLast = graph();
  ownerLast.made.put(clusterRoleKind, meta('b', undefined, 'a'));
  ownerLast.made.put(configMapKind, meta('a', 'x'));
  assert.deepEqual(ownerLast.told, [wrong('ClusterRole', '')]);
});

test('an owner in the same namespace, or of the whole cluster, is nothing to tell of', () => {
  const { made, told } = graph();
  made.put(configMapKind, meta('a', 'x'));
  made.put(configMapKind, meta('b', 'x', 'a'));
  made.put(clusterRoleKind, meta('c', undefined));
  made.put(configMapKind, meta('d', 'x', 'c'));
  assert.deepEqual(told, []);
});
