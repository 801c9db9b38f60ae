// What `npm install coracle` gives a stranger: everything in the bundle, Node brought along.
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { kubectlProgram, run } from './cluster.ts';

test('the npm package, installed from its tarball, starts a cluster', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-package-'));
  const up = ['--name', 'packed', '--data-dir', join(folder, 'data'), '--kubeconfig', join(folder, 'kubeconfig')];
  try {
    const packed = await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder]);
    assert.equal(packed.code, 0, packed.stderr);
    const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))!;
    const install = [
      'install',
      '--silent',
      '--no-fund',
      '--no-audit',
      '--ignore-scripts',
      '--prefix',
      folder,
      join(folder, tarball),
    ];
    const installed = await run('npm', install, { cwd: folder, timeoutMs: 180_000 });
    assert.equal(installed.code, 0, installed.stderr);
    const program = join(folder, 'node_modules/.bin/coracle');
    const started = await run(program, ['up', '--detach', '--nodes', 'simulated:1', ...up], { cwd: folder });
    assert.equal(started.code, 0, started.stdout + started.stderr);
    const nodes = await run(kubectlProgram(), ['get', 'nodes', '--kubeconfig', join(folder, 'kubeconfig')]);
    assert.match(nodes.stdout, /simulated-0 +Ready/);
    const deleted = await run(program, ['delete', '--yes', ...up.slice(0, 4)], { cwd: folder });
    assert.equal(deleted.code, 0, deleted.stderr);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
