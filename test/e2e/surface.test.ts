// What a person meets at the edge of a cluster that runs no containers: documents, figures, refusals.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TestCluster } from './cluster.ts';

describe('a simulated cluster answers', () => {
  let cluster: TestCluster;

  before(async () => {
    cluster = await TestCluster.create({ simulatedNodes: 1 });
  });
  after(async () => cluster?.[Symbol.asyncDispose]());

  test('explain from the older OpenAPI document', async () => {
    const text = await cluster.kubectl('explain pods.spec.containers.resources --output=plaintext-openapiv2');
    assert.match(text, /limits\t?\s*<map\[string\]/);
  });

  test('a kind nobody knows, in the words of kubectl', async () => {
    const { code, stderr } = await cluster.tryKubectl('apply -f -', {
      input: 'apiVersion: v9\nkind: Pod\nmetadata: {name: x}\n',
    });
    assert.equal(code, 1);
    assert.match(stderr, /no matches for kind "Pod" in version "v9"/);
  });

  test('metrics of the server and of its process', async () => {
    const text = await cluster.kubectl('get --raw /metrics');
    assert.match(text, /^apiserver_request_total\{/m);
    assert.match(text, /^process_cpu_seconds_total /m);
  });

  test('logs and exec: there are no containers', async () => {
    await cluster.eventually('a service account', async () => (await cluster.tryKubectl('get sa default')).code === 0);
    await cluster.kubectl('run web --image=nginx');
    await cluster.kubectl('wait --for=condition=Ready pod/web --timeout=30s');
    for (const line of ['logs web', 'exec web -- ls']) {
      const { code, stderr } = await cluster.tryKubectl(line);
      assert.equal(code, 1);
      assert.match(stderr, /node "simulated-0" is simulated: no container runs there/);
    }
  });

  test('image commands: there is nothing to load them into', async () => {
    const listed = await cluster.coracle(['image', 'ls']);
    assert.equal(listed.code, 83);
    assert.match(listed.stderr, /E_NOT_RUNNING/);
    const missing = await cluster.coracle(['image', 'import', join(cluster.folder, 'nothing.tar')]);
    assert.equal(missing.code, 35);
    assert.match(missing.stderr, /E_NO_FILE/);
  });
});
