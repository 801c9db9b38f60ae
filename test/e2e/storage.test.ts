// What a cluster keeps on the disk: encrypted, bounded, saved and restored.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, suite, test } from 'node:test';
import { WireClient } from '../upstream/client.ts';
import { TestCluster } from './cluster.ts';

const hidden = 'not-for-every-eye';
const inBase64 = Buffer.from(hidden).toString('base64');

suite('storage', () => {
  let cluster: TestCluster;
  const flags = ['--only', 'apiserver', '--etcd-compaction-interval', '5s', '--event-ttl', '4s'];
  before(async () => {
    cluster = await TestCluster.create({ simulatedNodes: 0, flags });
  });
  after(() => cluster[Symbol.asyncDispose]());

  const onDisk = (text: string) => {
    const folder = join(cluster.dataDir, 'store');
    return readdirSync(folder).some((file) => readFileSync(join(folder, file)).includes(text));
  };

  async function succeed(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await cluster.coracle(args);
    assert.equal(code, 0, stdout + stderr);
    return stdout;
  }

  test('a Secret is not on the disk as it is, a ConfigMap is, and the key is not beside them', async () => {
    await cluster.kubectl(`create secret generic s --from-literal=a=${hidden}`);
    await cluster.kubectl('create configmap c --from-literal=a=for-every-eye');
    assert.ok(!onDisk(inBase64));
    assert.ok(onDisk('for-every-eye'));
    assert.equal(await cluster.kubectl("get secret s -o jsonpath='{.data.a}'"), inBase64);
    const keys = join(cluster.dataDir, 'pki/encryption-config.yaml');
    assert.equal(statSync(keys).mode & 0o777, 0o600);
    const [, secret] = /secret: (\S+)/.exec(readFileSync(keys, 'utf8'))!;
    assert.ok(!onDisk(secret!));
  });

  test('the key is rotated while the cluster runs, and the old one can then be forgotten', async () => {
    const before = await succeed('encryption', 'status');
    assert.match(await succeed('encryption', 'rotate'), /^1 of 1 values were encrypted again$/m);
    assert.notEqual(await succeed('encryption', 'status'), before);
    assert.match(await succeed('encryption', 'prune'), /^0 of 1 values/m);
    assert.equal(
      readFileSync(join(cluster.dataDir, 'pki/encryption-config.yaml'), 'utf8').match(/secret:/g)?.length,
      1,
    );
    assert.equal(await cluster.kubectl("get secret s -o jsonpath='{.data.a}'"), inBase64);
  });

  test('a page goes on after compaction with the token that the refusal brings', async () => {
    await Promise.all(['p1', 'p2', 'p3'].map((name) => cluster.kubectl(`create configmap ${name}`)));
    const path = '/api/v1/namespaces/default/configmaps?limit=2&continue=';
    using client = new WireClient({ kubeconfig: cluster.kubeconfig, headers: {}, timeoutMs: 15_000 });
    const page = async (token: string) => {
      const { code, body } = await client.request({ method: 'GET', path: path + token });
      return { code, body: JSON.parse(body.toString()) };
    };
    const namesOf = (list: any): string[] => list.items.map((item: any) => item.metadata.name);
    const first = (await page('')).body;
    // Nothing changes meanwhile but the revision that is forgotten.
    const refused = await cluster.eventually('the token is too old', async () => {
      await cluster.kubectl('create secret generic other --from-literal=a=b');
      await cluster.kubectl('delete secret other');
      const answer = await page(first.metadata.continue);
      return answer.code === 410 && answer.body;
    });
    assert.equal(refused.reason, 'Expired');
    assert.match(refused.message, /^The provided continue parameter is too old to display a consistent list result/);
    const rest = (await page(refused.metadata.continue)).body;
    assert.deepEqual([...namesOf(first), ...namesOf(rest)], ['c', 'p1', 'p2', 'p3']);
  });

  test('Events end after their time', async () => {
    await cluster.kubectl('create -f -', {
      input: JSON.stringify({
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'e' },
        involvedObject: { kind: 'Pod', namespace: 'default', name: 'p' },
        reason: 'Tested',
      }),
    });
    await cluster.kubectl('wait --for=delete event/e --timeout=30s');
  });

  test('a snapshot of the running cluster brings it back as it was, and clients with old versions begin anew', async () => {
    const file = join(cluster.folder, 'saved');
    assert.match(await succeed('snapshot', 'save', file), /keys at revision \d+, \d+ bytes, sha256 [0-9a-f]{64}/);
    assert.ok(!readFileSync(file).includes(inBase64));
    await cluster.kubectl('delete secret s');
    await cluster.kubectl('create configmap later');
    const refused = await cluster.coracle(['snapshot', 'restore', file]);
    assert.match(refused.stderr, /is running \(E_RUNNING\)/);
    await succeed('down');
    await succeed('snapshot', 'restore', file);
    await cluster.up();
    assert.equal(await cluster.kubectl("get secret s -o jsonpath='{.data.a}'"), inBase64);
    assert.notEqual((await cluster.tryKubectl('get configmap later')).code, 0);
    const { metadata } = JSON.parse(await cluster.kubectl('get --raw /api/v1/configmaps'));
    assert.ok(Number(metadata.resourceVersion) >= 1_000_000_000);
    const old = await cluster.tryKubectl('get --raw /api/v1/configmaps?resourceVersion=50&resourceVersionMatch=Exact');
    assert.match(old.stderr, /too old/);
  });

  test('a sealed value that was moved, or whose key is gone, keeps the cluster from starting, and it is said which', async () => {
    await succeed('down');
    const file = join(cluster.dataDir, 'store/state.db');
    await cp(file, `${file}.whole`);
    const db = new DatabaseSync(file);
    db.exec(
      `update log set key = '/registry/core/secrets/default/moved' where key = '/registry/core/secrets/default/s'`,
    );
    db.close();
    const damaged = await cluster.coracle(['up', '--detach', '--kubeconfig', cluster.kubeconfig, ...flags]);
    assert.notEqual(damaged.code, 0);
    assert.match(damaged.stderr, /default\/moved|damaged/);
    await cp(`${file}.whole`, file);
    const keys = join(cluster.dataDir, 'pki/encryption-config.yaml');
    await cp(keys, `${keys}.kept`);
    await rm(keys);
    const keyless = await cluster.coracle(['up', '--detach', '--kubeconfig', cluster.kubeconfig, ...flags]);
    assert.match(keyless.stderr, /unable to transform key .*default\/s.*no matching key was found.*E_UNREADABLE/s);
    await cp(`${keys}.kept`, keys);
    await cluster.up();
    assert.equal(await cluster.kubectl("get secret s -o jsonpath='{.data.a}'"), inBase64);
  });
});
