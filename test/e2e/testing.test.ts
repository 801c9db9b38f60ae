// The test environment as others have it: from the packed package, with its types, and from another language.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { configMapKind, namespaceKind } from '../../generated/kinds.ts';
import { startCluster } from '../../src/testing/start-cluster.ts';
import { root, run } from './cluster.ts';

const examples = join(root, 'examples/testing');

test('a strict TypeScript project tests its operator with the packed package', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-testing-'));
  const must = async (file: string, args: readonly string[], cwd = folder) => {
    const { code, stdout, stderr } = await run(file, args, { cwd });
    assert.equal(code, 0, stdout + stderr);
  };
  try {
    await must(process.execPath, ['--no-warnings', 'scripts/build-types.ts'], root);
    await must('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], root);
    const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'))!;
    const modules = join(folder, 'node_modules');
    await mkdir(join(modules, 'coracle'), { recursive: true });
    await must('tar', ['-xzf', tarball, '-C', join(modules, 'coracle'), '--strip-components=1']);
    await mkdir(join(modules, '@types'));
    await symlink(join(root, 'node_modules/@types/node'), join(modules, '@types/node'));
    await symlink(join(root, 'node_modules/undici-types'), join(modules, 'undici-types'));
    await cp(examples, folder, { recursive: true });
    const options = { strict: true, module: 'nodenext', target: 'es2024', lib: ['esnext'], types: ['node'] };
    const compilerOptions = {
      ...options,
      noEmit: true,
      allowImportingTsExtensions: true,
      exactOptionalPropertyTypes: true,
    };
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    await must(join(root, 'node_modules/.bin/tsc'), ['-p', folder]);
    await must(process.execPath, ['--no-warnings', '--test', 'operator.test.ts']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

const hasPython = spawnSync('python3', ['--version']).status === 0;

test('an operator in Python works through the kubeconfig', { skip: !hasPython && 'needs python3' }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-testing-'));
  await using cluster = await startCluster({ nodes: 0, listen: true });
  const kubeconfig = join(folder, 'kubeconfig');
  await writeFile(kubeconfig, cluster.kubeconfig(), { mode: 0o600 });
  const configMaps = cluster.client.resource(configMapKind);
  await cluster.client.resource(namespaceKind).create({ metadata: { name: 'there' }, spec: {} });
  const labels = { 'copy-to': 'there' };
  await configMaps.create({ metadata: { name: 'colours', namespace: 'default', labels }, data: { sky: 'blue' } });
  const { metadata } = await configMaps.list({ namespace: 'there' });
  const resourceVersion = metadata.resourceVersion ?? '';
  await using _time = cluster.clock.run();
  const operator = spawn('python3', [join(examples, 'copy_operator.py')], {
    env: { ...process.env, KUBECONFIG: kubeconfig },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new AbortController();
  operator.on('exit', (code) => ended.abort(new Error(`the operator ended with ${code}`)));
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(60_000), ended.signal]);
    const events = configMaps.watch({ namespace: 'there', resourceVersion, signal });
    for await (const event of events) {
      if (event.type === 'BOOKMARK' || event.object.metadata.name !== 'colours') continue;
      assert.deepEqual(event.object.data, { sky: 'blue' });
      break;
    }
  } finally {
    operator.kill();
    await rm(folder, { recursive: true, force: true });
  }
});
