// What upstream's sanity tests of CSI say of the stand-in driver, as a process of this machine.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemMounter } from '../../src/kubelet/volumes/mounter.ts';
import { root, run } from '../e2e/cluster.ts';
import { program } from './programs.ts';

/** @throws with what they said, when anything was wrong */
export async function checkSanity(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-sanity-'));
  const socket = join(folder, 'csi.sock');
  const driver = spawn(
    process.execPath,
    [
      '--no-warnings',
      join(root, 'test/csi/stand-ins/main.ts'),
      'driver',
      '--drivername=tiny.csi.test',
      `--endpoint=${socket}`,
      '--nodeid=here',
      `--statedir=${join(folder, 'state')}`,
      `--kubelet-dir=${join(folder, 'kubelet')}`,
    ],
    { stdio: 'ignore' },
  );
  try {
    while (!existsSync(socket) && driver.exitCode === null) await sleep(50);
    const places = [`--csi.mountdir=${join(folder, 'mount')}`, `--csi.stagingdir=${join(folder, 'stage')}`];
    const arguments_ = [`--csi.endpoint=unix://${socket}`, ...places, '--ginkgo.no-color'];
    const { code, stdout } = await run(program('csi-sanity'), arguments_, { timeoutMs: 600_000 });
    assert.equal(code, 0, stdout);
  } finally {
    const ended = driver.exitCode === null ? once(driver, 'exit') : undefined;
    driver.kill();
    await ended;
    for (const point of await systemMounter.mountsBelow(folder)) await systemMounter.unmount(point);
    await rm(folder, { recursive: true, force: true });
  }
}
