import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { applySysctls, restoreSysctls } from './sysctls.ts';

async function aMachine() {
  const folder = await mkdtemp(join(tmpdir(), 'sysctls-'));
  const file = join(folder, 'sys/net/ipv4/ip_forward');
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, '0\n');
  const optionsOf = (clusterName: string) => ({
    clusterName,
    owner: join(folder, clusterName),
    recordDir: join(folder, 'run/network'),
    sysctlDir: join(folder, 'sys'),
  });
  return {
    optionsOf,
    start: async (clusterName: string) => {
      await mkdir(join(folder, clusterName));
      await applySysctls(optionsOf(clusterName));
    },
    clearByHand: (clusterName: string) => rm(join(folder, clusterName), { recursive: true }),
    leave: (clusterName: string) => restoreSysctls(optionsOf(clusterName)),
    forwarding: async () => (await readFile(file, 'utf8')).trim(),
    hasRecord: () => existsSync(join(folder, 'run')),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

test('a cluster that was cleared by hand does not keep the kernel’s switches as they are for ever', async () => {
  await using machine = await aMachine();
  for (const name of ['cleared', 'stopped', 'last']) await machine.start(name);
  await machine.clearByHand('cleared');
  await machine.leave('last');
  assert.equal(await machine.forwarding(), '1', 'one that is stopped has its data, and pods that go on');
  await machine.leave('stopped');
  assert.deepEqual([await machine.forwarding(), machine.hasRecord()], ['0', false]);
});

test('who did not say where its data is is not taken for gone', async () => {
  await using machine = await aMachine();
  await machine.start('one');
  await writeFile(join(machine.optionsOf('one').recordDir, 'users/silent'), '');
  await machine.leave('one');
  assert.equal(await machine.forwarding(), '1');
});
