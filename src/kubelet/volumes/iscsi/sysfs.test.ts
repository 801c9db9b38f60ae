import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { forgetDisk, multipathOf, scanFor } from './sysfs.ts';

test('multipathOf finds the device of several paths, and no volume that merely lies on the disk', async () => {
  const sysfs = mkdtempSync(join(tmpdir(), 'sysfs-'));
  const map = (name: string, uuid: string, slave: string) => {
    mkdirSync(join(sysfs, 'block', name, 'slaves', slave), { recursive: true });
    mkdirSync(join(sysfs, 'block', name, 'dm'));
    writeFileSync(join(sysfs, 'block', name, 'dm/uuid'), `${uuid}\n`);
  };
  map('dm-0', 'LVM-x', 'sda');
  map('dm-1', 'mpath-36001405', 'sdb');
  try {
    assert.equal(await multipathOf(sysfs, '/dev/sdb'), 'dm-1');
    assert.equal(await multipathOf(sysfs, 'sda'), undefined);
    assert.equal(await multipathOf(sysfs, 'sdc'), undefined);
  } finally {
    rmSync(sysfs, { recursive: true });
  }
});

test('what the kernel only lets write is not opened for reading, which it refuses even to root', async () => {
  // Not in a folder for temporary files that is root's alone: who is asked for has to get there.
  const sysfs = mkdtempSync('/tmp/sysfs-');
  const files = ['class/scsi_host/host3/scan', 'block/sdb/device/delete'].map((path) => join(sysfs, path));
  chmodSync(sysfs, 0o755);
  for (const file of files) {
    mkdirSync(join(file, '..'), { recursive: true, mode: 0o755 });
    writeFileSync(file, '');
    chmodSync(file, 0o222);
  }
  const isRoot = process.geteuid?.() === 0;
  try {
    // Files on a disk keep nothing from root: somebody else is asked for.
    if (isRoot) process.seteuid?.(65_534);
    try {
      await scanFor(sysfs, 3, 1);
      await forgetDisk(sysfs, 'sdb');
      await assert.rejects(scanFor(sysfs, 4, 1), { code: 'ENOENT' });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
    for (const file of files) chmodSync(file, 0o444);
    assert.deepEqual(
      files.map((file) => readFileSync(file, 'utf8')),
      ['0 0 1', '1'],
    );
  } finally {
    rmSync(sysfs, { recursive: true });
  }
});
