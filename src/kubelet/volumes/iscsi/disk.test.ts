import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ISCSIVolumeSource } from '../../../../generated/core-v1.ts';
import { diskOf, fileSystemOf, secretOf } from './disk.ts';

const source: ISCSIVolumeSource = { targetPortal: '10.0.0.1', iqn: 'iqn.2003-01.org.example:disk', lun: 0 };
const request = (more: Partial<ISCSIVolumeSource>) => ({
  name: 'data',
  podVolume: 'data',
  source: { ...source, ...more },
  isReadOnly: false,
  isBlock: false,
  mountOptions: [],
});

for (const { name, more, want } of [
  { name: 'a port where none is given', more: {}, want: { portals: ['10.0.0.1:3260'], iface: 'default' } },
  {
    name: 'several portals, each once',
    more: { portals: ['10.0.0.1:3260', '10.0.0.2:860', 'fd00::1', '[fd00::2]:860'] },
    want: { portals: ['10.0.0.1:3260', '10.0.0.2:860', '[fd00::1]:3260', '[fd00::2]:860'] },
  },
  {
    name: 'an interface of its own for an initiator of its own',
    more: { initiatorName: 'iqn.2026-11.org.example:me', iscsiInterface: 'card' },
    want: { iface: '10.0.0.1:3260:data', baseIface: 'card' },
  },
])
  test(`diskOf takes ${name}`, () => assert.partialDeepStrictEqual(diskOf(request(more)), want));

test('diskOf names a disk to the cluster as it is spelled, with a port or without', () => {
  const name = 'iqn.2003-01.org.example:disk:0';
  assert.deepEqual(diskOf(request({})).uniqueNames, [`kubernetes.io/iscsi/10.0.0.1:${name}`]);
  const spelled = diskOf(request({ targetPortal: '10.0.0.1:3260', portals: ['10.0.0.2'] }));
  assert.deepEqual(spelled.uniqueNames, [`kubernetes.io/iscsi/10.0.0.1:3260:${name}`]);
});

for (const more of [
  { targetPortal: '-p' },
  { targetPortal: '10.0.0.1/../..' },
  { targetPortal: '10.0.0.1:3260\nnode.startup = automatic' },
  { targetPortal: '10.0.0.1:0' },
  { targetPortal: '10.0.0.1:70000' },
  { targetPortal: '10.0.0.1:3260:1' },
  { targetPortal: '[fd00::1%/etc]:3260' },
  { targetPortal: '' },
  { portals: ['10.0.0.2', '..'] },
  { portals: Array.from({ length: 65 }, (_, index) => `10.0.0.${index}`) },
  { iqn: 'iqn.2003-01.org.example:../../../etc' },
  { iqn: '-iqn.2003-01.org.example:disk' },
  { iqn: 'iqn.2003-01.org.example:disk\nnode' },
  { iqn: `iqn.2003-01.org.example:${'x'.repeat(220)}` },
  { initiatorName: 'iqn.2003-01.org.example:a b' },
  { iscsiInterface: '--logout' },
  { iscsiInterface: '../default' },
  { iscsiInterface: '..' },
  { lun: -1 },
  { lun: 1.5 },
])
  test(`diskOf refuses ${JSON.stringify(more).slice(0, 60)}`, () =>
    assert.throws(() => diskOf(request(more)), new RegExp(`^Error: iscsi: (${Object.keys(more)}|targetPortal) `)));

test('fileSystemOf names a program, and no path', () => {
  assert.equal(fileSystemOf(''), 'ext4');
  assert.equal(fileSystemOf('xfs'), 'xfs');
  for (const name of ['../../bin/sh', '-F', 'ext4 -F', 'a\nb']) assert.throws(() => fileSystemOf(name), /fsType/);
});

test('secretOf reads a Secret for CHAP alone, and of the namespace that is named', () => {
  const secretRef = { name: 'chap' };
  assert.equal(secretOf(request({ secretRef }), 'web'), undefined);
  const pods = secretOf(request({ secretRef, chapAuthSession: true }), 'web');
  assert.deepEqual(pods, { namespace: 'web', name: 'chap' });
  const volumes = {
    ...request({}),
    source: { ...source, chapAuthDiscovery: true, secretRef: { ...secretRef, namespace: 'store' } },
  };
  assert.deepEqual(secretOf(volumes, 'web'), { namespace: 'store', name: 'chap' });
});
