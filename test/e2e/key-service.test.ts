// A cluster whose Secrets are sealed with the help of a key service: a small one of this test, over its unix socket.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KeyPlugin } from '../../src/store/encryption/kms/plugin-for-tests.ts';
import { TestCluster } from './cluster.ts';

test('Secrets are sealed by a key service, come back after a restart, and follow its keys', async () => {
  await using plugin = await KeyPlugin.start();
  const folder = mkdtempSync(join(tmpdir(), 'kms-config-'));
  const file = join(folder, 'encryption.yaml');
  writeFileSync(
    file,
    [
      'apiVersion: apiserver.config.k8s.io/v1',
      'kind: EncryptionConfiguration',
      'resources:',
      '- resources: [secrets]',
      '  providers:',
      `  - kms: {apiVersion: v2, name: vault, endpoint: 'unix://${plugin.socket}', timeout: 10s}`,
      '  - identity: {}',
    ].join('\n'),
    { mode: 0o600 },
  );
  const flags = ['--only', 'apiserver', '--encryption-provider-config', file];
  await using cluster = await TestCluster.create({ simulatedNodes: 0, flags });
  const onDisk = (text: string) => {
    const store = join(cluster.dataDir, 'store');
    return readdirSync(store).some((name) => readFileSync(join(store, name)).includes(text));
  };
  const secret = () => cluster.kubectl("get secret s -o jsonpath='{.data.a}'");

  await cluster.kubectl('create secret generic s --from-literal=a=not-for-every-eye');
  const encoded = Buffer.from('not-for-every-eye').toString('base64');
  assert.equal(await secret(), encoded);
  assert.ok(!onDisk(encoded));
  assert.ok(onDisk('k8s:enc:kms:v2:vault:'));
  assert.equal(await cluster.kubectl('get --raw /readyz/kms-providers'), 'ok');
  assert.match((await cluster.coracle(['encryption', 'status'])).stdout, /secrets: kms vault/);

  await cluster.coracle(['down']);
  await cluster.up();
  assert.equal(await secret(), encoded);
  assert.ok(plugin.asked.includes('Decrypt'));

  plugin.rotate();
  assert.match((await cluster.coracle(['encryption', 'rewrite'])).stdout, /^1 of 1 values were encrypted again$/m);
  plugin.forget('key-1');
  await cluster.coracle(['down']);
  await cluster.up();
  assert.equal(await secret(), encoded);
  rmSync(folder, { recursive: true });
});
