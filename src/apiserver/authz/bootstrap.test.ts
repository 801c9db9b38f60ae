import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterRole, ClusterRoleBinding } from '../../../generated/rbac-v1.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { bootstrapObjects, reconcileBootstrap } from './bootstrap.ts';

const objects = bootstrapObjects(Date.UTC(2030, 0, 1));
const find = <T extends KubernetesObject>(kind: string, name: string) =>
  structuredClone(objects.find((object) => object.kind === kind && object.metadata.name === name)) as T;

test('no bootstrap object is there twice', () => {
  const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
  assert.equal(new Set(names).size, names.length);
});

test('aggregated roles hold what they gather', () => {
  const rules = (name: string) =>
    (find<ClusterRole>('ClusterRole', name).rules ?? []).map((rule) => JSON.stringify(rule));
  const [view, edit, admin] = ['view', 'edit', 'admin'].map((name) => new Set(rules(name)));
  assert.ok(view!.size > 5);
  assert.ok(edit!.isSupersetOf(view!) && admin!.isSupersetOf(edit!));
  assert.ok(![...view!].some((rule) => rule.includes('"secrets"')));
});

test('every default binding names a default role', () => {
  for (const object of objects) {
    if (!('roleRef' in object)) continue;
    const { kind, name } = (object as ClusterRoleBinding).roleRef;
    assert.ok(find(kind, name), `${kind} ${name}`);
  }
});

test('a default role gets back what was taken from it and keeps what was added', () => {
  const wanted = find<ClusterRole>('ClusterRole', 'system:basic-user');
  const current = structuredClone(wanted);
  assert.equal(reconcileBootstrap(current, wanted), undefined);
  const extra = { verbs: ['get'], apiGroups: ['example.com'], resources: ['things'] };
  current.rules = [extra];
  delete current.metadata.labels;
  const result = reconcileBootstrap(current, wanted)!;
  assert.deepEqual((result.object as ClusterRole).rules, [extra, ...wanted.rules!]);
  assert.deepEqual(result.object.metadata.labels, wanted.metadata.labels);
  current.metadata.annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
  assert.equal(reconcileBootstrap(current, wanted), undefined);
});

test('a default binding to another role is replaced', () => {
  const wanted = find<ClusterRoleBinding>('ClusterRoleBinding', 'cluster-admin');
  const current = structuredClone(wanted);
  current.roleRef.name = 'view';
  assert.equal(reconcileBootstrap(current, wanted)?.isReplaced, true);
});
