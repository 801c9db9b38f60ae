// Owners and what they own, by their real uids.
import type { Json } from '../side.ts';
import type { Step, Story } from '../stories.ts';
import { make, patch, remove, story, wait } from './words.ts';

const kinds = ['ConfigMap', 'Secret', 'Namespace'];
const own = (name: string, more: Json = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  name,
  uid: `{uid:ConfigMap/${name}}`,
  ...more,
});
const blocking = { blockOwnerDeletion: true };
const map = (name: string, owners: Json[] = [], metadata: Json = {}) =>
  make('ConfigMap', name, { metadata: { ...(owners.length > 0 ? { ownerReferences: owners } : {}), ...metadata } });
const held = { finalizers: ['example.com/held'] };
const free = (name: string) => patch('ConfigMap', name, { metadata: { finalizers: null } });
const tell = (title: string, ...steps: Step[]) => story(`gc/${title}`, kinds, ...steps);

export const garbageStories: readonly Story[] = [
  tell('background', map('a'), map('b', [own('a')]), map('c', [own('b')]), remove('ConfigMap', 'a', 'Background')),
  tell('orphaned', map('a'), map('b', [own('a', blocking)]), map('c', [own('a')]), remove('ConfigMap', 'a', 'Orphan')),
  tell(
    'foreground, one blocks and is held',
    map('a'),
    map('b', [own('a', blocking)], held),
    map('c', [own('a')], held),
    remove('ConfigMap', 'a', 'Foreground'),
    wait(3),
    free('b'),
    free('c'),
  ),
  tell(
    'foreground, then it stops blocking',
    map('a'),
    map('b', [own('a', blocking)], held),
    remove('ConfigMap', 'a', 'Foreground'),
    patch('ConfigMap', 'b', { metadata: { ownerReferences: [own('a', { blockOwnerDeletion: false })] } }),
    wait(2),
    free('b'),
  ),
  tell(
    'foreground, then the owner is let go by hand',
    map('a'),
    map('b', [own('a', blocking)], held),
    remove('ConfigMap', 'a', 'Foreground'),
    free('a'),
    wait(2),
    free('b'),
  ),
  tell(
    'foreground and held itself',
    map('a', [], held),
    map('b', [own('a', blocking)]),
    remove('ConfigMap', 'a', 'Foreground'),
    free('a'),
  ),
  tell(
    'foreground, then background',
    map('a'),
    map('b', [own('a', blocking)], held),
    remove('ConfigMap', 'a', 'Foreground'),
    remove('ConfigMap', 'a', 'Background'),
    free('b'),
  ),
  tell(
    'foreground, then orphaned',
    map('a'),
    map('b', [own('a', blocking)], held),
    remove('ConfigMap', 'a', 'Foreground'),
    remove('ConfigMap', 'a', 'Orphan'),
    free('b'),
  ),
  tell(
    'two owners, both go',
    map('a'),
    map('b'),
    map('c', [own('a'), own('b')]),
    remove('ConfigMap', 'a', 'Background'),
    remove('ConfigMap', 'b', 'Background'),
  ),
  tell(
    'two owners, one waits in the foreground',
    map('a'),
    map('b'),
    map('c', [own('a', blocking), own('b', blocking)]),
    remove('ConfigMap', 'a', 'Foreground'),
    remove('ConfigMap', 'b', 'Foreground'),
  ),
  tell(
    'two owners, one waits for another thing of its own',
    map('a'),
    map('b'),
    map('c', [own('a', blocking), own('b')]),
    map('d', [own('a', blocking)], held),
    remove('ConfigMap', 'a', 'Foreground'),
    wait(2),
    free('d'),
  ),
  tell(
    'owns itself',
    map('a'),
    patch('ConfigMap', 'a', { metadata: { ownerReferences: [own('a', blocking)] } }),
    remove('ConfigMap', 'a', 'Foreground'),
  ),
  tell(
    'a ring in the foreground',
    map('a'),
    map('b', [own('a', blocking)]),
    patch('ConfigMap', 'a', { metadata: { ownerReferences: [own('b', blocking)] } }),
    remove('ConfigMap', 'a', 'Foreground'),
  ),
  tell(
    'an owner of another namespace',
    make('ConfigMap', 'b', {
      metadata: {
        ownerReferences: [
          {
            apiVersion: 'v1',
            kind: 'ConfigMap',
            name: 'kube-root-ca.crt',
            uid: '{uid:/api/v1/namespaces/default/configmaps/kube-root-ca.crt}',
          },
        ],
      },
    }),
    wait(4),
  ),
  story(
    'gc/a cluster object with an owner in a namespace',
    [...kinds, 'ClusterRole'],
    map('a'),
    make('ClusterRole', '{ns}-r', { metadata: { ownerReferences: [own('a')] }, rules: [] }),
    wait(3),
    remove('ConfigMap', 'a'),
    wait(3),
  ),
  tell(
    'an owner by another version',
    map('a'),
    map('b', [own('a', { apiVersion: 'v9' })]),
    wait(4),
    remove('ConfigMap', 'a', 'Background'),
    wait(3),
  ),
  tell(
    'owned by its namespace',
    make('ConfigMap', 'b', {
      metadata: {
        ownerReferences: [{ apiVersion: 'v1', kind: 'Namespace', name: '{ns}', uid: '{uid:Namespace/{ns}}' }],
      },
    }),
    wait(3),
  ),
  tell(
    'the same owner twice',
    map('a'),
    map('b', [own('a'), own('a', blocking)]),
    remove('ConfigMap', 'a', 'Foreground'),
  ),
  tell(
    'made again under its name',
    map('a'),
    map('b', [own('a')], held),
    remove('ConfigMap', 'a', 'Background'),
    map('a'),
    wait(2),
    free('b'),
  ),
  tell(
    'of two finalizers',
    map('a', [], { finalizers: ['orphan', 'foregroundDeletion'] }),
    map('b', [own('a', blocking)]),
    remove('ConfigMap', 'a'),
  ),
  tell(
    'orphans are asked for while it is held',
    map('a', [], held),
    map('b', [own('a')]),
    remove('ConfigMap', 'a', 'Orphan'),
    map('c', [own('a')]),
    free('a'),
    wait(2),
  ),
];
