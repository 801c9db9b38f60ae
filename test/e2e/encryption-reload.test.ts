// A server that reads its encryption configuration again when the file changes, and takes what is good of it.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KeyPlugin } from '../../src/store/encryption/kms/plugin-for-tests.ts';
import { TestCluster } from './cluster.ts';

const key = (name: string) => ({ name, secret: randomBytes(32).toString('base64') });
const configuration = (...providers: object[]) =>
  JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers }],
  });

test('a changed encryption configuration is taken without a restart, and one that is broken is not', async () => {
  await using plugin = await KeyPlugin.start();
  const folder = mkdtempSync(join(tmpdir(), 'encryption-reload-'));
  const file = join(folder, 'encryption.yaml');
  const write = (text: string) => {
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  };
  const [first, second] = [key('first'), key('second')];
  write(configuration({ aesgcm: { keys: [first] } }, { identity: {} }));
  const flags = ['--only', 'apiserver', '--encryption-provider-config', file];
  flags.push('--encryption-provider-config-automatic-reload');
  await using cluster = await TestCluster.create({ simulatedNodes: 0, flags });

  const status = async () => (await cluster.coracle(['encryption', 'status'])).stdout;
  const reloads = async (outcome: string) => {
    const metrics = await cluster.kubectl('get --raw /metrics');
    const line = new RegExp(
      `^apiserver_encryption_config_controller_automatic_reloads_total\\{.*status="${outcome}"\\} `,
    );
    return Number(
      metrics
        .split('\n')
        .find((each) => line.test(each))
        ?.split(' ')
        .at(-1) ?? 0,
    );
  };
  const untilReloaded = (outcome: string, count: number) =>
    cluster.eventually(`${count} reloads with ${outcome}`, async () => (await reloads(outcome)) >= count);
  const sealedWith = (mark: string) => {
    const store = join(cluster.dataDir, 'store');
    return readdirSync(store).some((name) => readFileSync(join(store, name)).includes(`k8s:enc:${mark}`));
  };
  const value = (name: string) => cluster.kubectl(`get secret ${name} -o jsonpath='{.data.a}'`);

  await cluster.kubectl('create secret generic one --from-literal=a=1');
  assert.match(await status(), /aesgcm first/);
  assert.equal(await cluster.kubectl('get --raw /readyz/kms-providers'), 'ok');
  assert.match(await cluster.kubectl('get --raw /metrics'), /_last_config_info\{.*hash="sha256:[0-9a-f]{64}"\} 1/);

  write(configuration({ aesgcm: { keys: [second, first] } }, { identity: {} }));
  await untilReloaded('success', 1);
  assert.match(await status(), /aesgcm second/);
  await cluster.kubectl('create secret generic two --from-literal=a=2');
  assert.ok(sealedWith('aesgcm:v1:second:'));

  // What is broken, and what would leave Secrets behind that nothing opens.
  write('resources: [');
  await untilReloaded('failure', 1);
  write(configuration({ aesgcm: { keys: [second] } }, { identity: {} }));
  await untilReloaded('failure', 2);
  assert.match(await status(), /aesgcm second/);
  const log = readFileSync(join(cluster.dataDir, 'logs/server.log'), 'utf8');
  assert.match(log, /with the encryption configuration .* not everything could be read/);
  assert.ok(!log.includes(first.secret) && !log.includes(second.secret));
  assert.equal(await value('one'), 'MQ==');

  write(
    configuration(
      { kms: { apiVersion: 'v2', name: 'vault', endpoint: `unix://${plugin.socket}`, timeout: '10s' } },
      { aesgcm: { keys: [second, first] } },
    ),
  );
  await untilReloaded('success', 2);
  await cluster.kubectl('create secret generic three --from-literal=a=3');
  assert.ok(sealedWith('kms:v2:vault:'));
  assert.match((await cluster.coracle(['encryption', 'rewrite'])).stdout, /^2 of 3 values were encrypted again$/m);

  await cluster.coracle(['down']);
  await cluster.up();
  assert.deepEqual(await Promise.all(['one', 'two', 'three'].map(value)), ['MQ==', 'Mg==', 'Mw==']);
  rmSync(folder, { recursive: true });
});
