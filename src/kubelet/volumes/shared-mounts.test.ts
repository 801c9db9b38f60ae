import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mountOf } from './shared-mounts.ts';

const table = `21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 21 254:0 /data/node /data/node rw,relatime shared:5 - ext4 /dev/vda rw
41 40 0:33 / /data/node/a\\040b rw - tmpfs tmpfs rw
42 21 254:0 /x /twice rw - ext4 /dev/vda rw
43 42 254:0 /x /twice rw shared:6 - ext4 /dev/vda rw`;

for (const { name, path, point, isShared } of [
  { name: 'the root', path: '/etc', point: '/', isShared: false },
  { name: 'the nearest one', path: '/data/node/pods/1', point: '/data/node', isShared: true },
  { name: 'none with a name that merely begins like it', path: '/data/nodes', point: '/', isShared: false },
  { name: 'one with a blank', path: '/data/node/a b/c', point: '/data/node/a b', isShared: false },
  { name: 'the upper one of two', path: '/twice', point: '/twice', isShared: true },
])
  test(`mountOf finds ${name}`, () => assert.deepEqual(mountOf(path, table), { point, isShared }));
