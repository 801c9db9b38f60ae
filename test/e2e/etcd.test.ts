// Two servers on one etcd, reached over TLS with a certificate of each side; and nothing of a Secret in it.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openPki } from '../../src/cluster/pki.ts';
import { EtcdServer, findEtcds } from '../../src/store/testdata/etcd-server.ts';
import { kubectlProgram, type Output, root, run } from './cluster.ts';

const [program] = findEtcds();
const skip = program ? false : 'no etcd on this machine';
const hidden = Buffer.from('not-for-every-eye').toString('base64');

test('two servers share an etcd over TLS, and what one writes the other one has', { skip }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-e2e-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rm(folder, { recursive: true }));
  const certificates = join(folder, 'etcd');
  const pki = await openPki(certificates, Date.now());
  await pki.ensure({ file: 'server', commonName: 'etcd', hosts: ['127.0.0.1'] });
  await pki.ensure({ file: 'client', commonName: 'apiserver' });
  const at = (file: string) => join(certificates, file);
  const flags = ['--cert-file', at('server.crt'), '--key-file', at('server.key')];
  const both = ['--trusted-ca-file', at('ca.crt'), '--client-cert-auth'];
  const etcd = cleanup.use(await EtcdServer.start(program!, { flags: [...flags, ...both] }));

  const coracle = (name: string, ...args: string[]): Promise<Output> =>
    run(join(root, 'bin/coracle'), [...args, '--name', name, '--data-dir', join(folder, name)]);
  const kubectl = async (name: string, ...args: string[]) => {
    const output = await run(kubectlProgram(), ['--kubeconfig', join(folder, `${name}.kubeconfig`), ...args]);
    assert.equal(output.code, 0, output.stderr);
    return output.stdout;
  };
  const up = async (name: string, ...more: string[]) => {
    const servers = ['--etcd-servers', etcd.url, '--only', 'apiserver', '--nodes', 'simulated:0'];
    const output = await coracle(
      name,
      'up',
      '--detach',
      '--kubeconfig',
      join(folder, `${name}.kubeconfig`),
      ...servers,
      ...more,
    );
    return output;
  };
  const tls = ['--etcd-cafile', at('ca.crt'), '--etcd-certfile', at('client.crt'), '--etcd-keyfile', at('client.key')];

  const [one, two] = [`e${process.pid % 10_000}-1`, `e${process.pid % 10_000}-2`] as const;
  const stranger = await up(`${one}x`);
  cleanup.defer(async () => void (await coracle(`${one}x`, 'delete', '--yes')));
  assert.match(stranger.stderr, /etcdserver: not reachable \(E_ETCD\)/);
  for (const name of [one, two]) {
    if (name === two) await cp(join(folder, one, 'pki'), join(folder, two, 'pki'), { recursive: true });
    const started = await up(name, ...tls);
    assert.equal(started.code, 0, started.stderr);
    cleanup.defer(async () => void (await coracle(name, 'delete', '--yes')));
  }
  await kubectl(one, 'create', 'secret', 'generic', 's', '--from-literal=a=not-for-every-eye');
  assert.equal(await kubectl(two, 'get', 'secret', 's', '-o', 'jsonpath={.data.a}'), hidden);
  await kubectl(two, 'delete', 'secret', 's');
  assert.equal(await kubectl(one, 'get', 'secrets', '-o', 'name'), '');
  const files = globSync(join(etcd.folder, '**/*'), { withFileTypes: true }).filter((file) => file.isFile());
  assert.ok(files.length > 1);
  for (const file of files) assert.ok(!readFileSync(join(file.parentPath, file.name)).includes(hidden));
});
