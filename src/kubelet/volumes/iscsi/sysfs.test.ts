import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { multipathOf } from './sysfs.ts';

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
