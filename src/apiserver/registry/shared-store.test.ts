import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { seededRandom } from '../../base/random.ts';
import { openEtcdStore } from '../../store/engines/etcd/etcd.ts';
import { CuttableProxy } from '../../store/testdata/cuttable-proxy.ts';
import { EtcdServer, findEtcds } from '../../store/testdata/etcd-server.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

const [program] = findEtcds();
const seed = Number(process.env['SEED'] ?? 20_261);
const configMaps = '/api/v1/namespaces/default/configmaps';

if (!program) test('two servers on one etcd', { skip: 'no etcd on this machine' }, () => {});
else {
  const etcd = await EtcdServer.start(program);
  const open = async () => {
    const store = await openEtcdStore({ servers: [etcd.url], root: '/registry/' });
    return startTestServer({ store });
  };
  const servers = [await open(), await open()] as const;
  after(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
    await etcd[Symbol.asyncDispose]();
  });
  twoServers(servers, etcd.url);
}

function twoServers(servers: readonly [TestServer, TestServer], etcdUrl: string): void {
  test(`what one server acknowledged the other one shows at once (seed ${seed})`, async () => {
    const random = seededRandom(seed);
    const state = new Map<string, string>();
    for (let step = 0; step < 150; step++) {
      const at = random.next() < 0.5 ? 0 : 1;
      const [writer, reader] = [servers[at]!, servers[1 - at]!];
      const name = `c${Math.floor(random.next() * 20)}`;
      const value = String(step);
      if (!state.has(name)) {
        await writer.create(configMaps, { metadata: { name }, data: { value } });
        state.set(name, value);
      } else if (random.next() < 0.3) {
        assert.equal((await writer.call(`DELETE ${configMaps}/${name}`)).status, 200);
        state.delete(name);
      } else {
        const patch = { data: { value } };
        const answer = await writer.call(
          `PATCH ${configMaps}/${name}`,
          patch,
          undefined,
          'application/merge-patch+json',
        );
        assert.equal(answer.status, 200);
        state.set(name, value);
      }
      const got = await reader.call(`GET ${configMaps}/${name}`);
      assert.equal(got.body.data?.value, state.get(name));
      const listed = await reader.call(`GET ${configMaps}`);
      const seen = listed.body.items.map((item: any) => [item.metadata.name, item.data.value]);
      assert.deepEqual(new Map(seen), new Map([...state].sort(([a], [b]) => (a < b ? -1 : 1))));
      const { resourceVersion } = listed.body.metadata;
      const exact = await writer.call(
        `GET ${configMaps}?resourceVersion=${resourceVersion}&resourceVersionMatch=Exact`,
      );
      assert.deepEqual(exact.body.items, listed.body.items);
      const notOlder = await writer.call(
        `GET ${configMaps}?resourceVersion=${resourceVersion}&resourceVersionMatch=NotOlderThan`,
      );
      assert.ok(Number(notOlder.body.metadata.resourceVersion) >= Number(resourceVersion));
    }
  });

  test('Services made by both at once never share an address or a port', async () => {
    const service = (name: string) => ({
      metadata: { name },
      spec: { type: 'NodePort', selector: { a: 'b' }, ports: [{ port: 80 }] },
    });
    const made = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        servers[n % 2]!.create('/api/v1/namespaces/default/services', service(`s${n}`)),
      ),
    );
    assert.equal(new Set(made.map(({ spec }) => spec.clusterIP)).size, 60);
    assert.equal(new Set(made.map(({ spec }) => spec.ports[0].nodePort)).size, 60);
  });

  test('a port asked for of both at once is given once, and free again when its Service is gone', async () => {
    const path = '/api/v1/namespaces/default/services';
    const asking = (name: string) => ({
      metadata: { name },
      spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 31_999 }] },
    });
    for (let round = 0; round < 5; round++) {
      const names = [`p${round}-0`, `p${round}-1`];
      const answers = await Promise.all(names.map((name, at) => servers[at]!.call(`POST ${path}`, asking(name))));
      assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 422]);
      const winner = names[answers.findIndex(({ status }) => status === 201)]!;
      assert.equal((await servers[round % 2]!.call(`DELETE ${path}/${winner}`)).status, 200);
    }
  });

  test('quotas are exact though both servers create at once, and none counts what another one refused', async () => {
    await servers[0].create('/api/v1/namespaces', { metadata: { name: 'small' } });
    const quotas = '/api/v1/namespaces/small/resourcequotas';
    // By name, so that the wide one would be charged first.
    const sizes = { a: '100', b: '10' };
    for (const [name, size] of Object.entries(sizes)) {
      const hard = { 'count/configmaps': size };
      await servers[0].create(quotas, { metadata: { name }, spec: { hard } });
      const counted = { status: { hard, used: { 'count/configmaps': '0' } } };
      await servers[1].call(`PATCH ${quotas}/${name}/status`, counted, undefined, 'application/merge-patch+json');
    }
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        servers[n % 2]!.call('POST /api/v1/namespaces/small/configmaps', { metadata: { name: `c${n}` } }),
      ),
    );
    const refused = answers.filter(({ status }) => status !== 201);
    assert.deepEqual(
      [...new Set(refused.map(({ status, body }) => `${status} ${body.message}`.replace(/"c\d+"/, '')))],
      [
        '403 configmaps  is forbidden: exceeded quota: b, requested: count/configmaps=1, used: count/configmaps=10, limited: count/configmaps=10',
      ],
    );
    assert.equal(answers.length - refused.length, 10);
    for (const name of Object.keys(sizes)) {
      const { body } = await servers[1].call(`GET ${quotas}/${name}`);
      assert.equal(body.status.used['count/configmaps'], '10', name);
    }
  });

  test('a definition made through one is served by the other', async () => {
    const definition = {
      metadata: { name: 'boats.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'boats', singular: 'boat', kind: 'Boat', listKind: 'BoatList' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    };
    await servers[0].create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
    const path = '/apis/example.com/v1/namespaces/default/boats';
    while ((await servers[1].call(`GET ${path}`)).status !== 200) await new Promise(setImmediate);
    const boat = { apiVersion: 'example.com/v1', kind: 'Boat', metadata: { name: 'one' }, spec: { oars: 2 } };
    await servers[1].create(path, boat);
    assert.equal((await servers[0].call(`GET ${path}/one`)).body.spec.oars, 2);
  });

  test('a server that was cut off for longer than history lasts reads everything again, and its watchers begin anew', async () => {
    await using proxy = await CuttableProxy.to(etcdUrl);
    const store = await openEtcdStore({ servers: [proxy.url], root: '/registry/', timeoutMs: 1000 });
    await using cutOff = await startTestServer({ store });
    await servers[0].create('/api/v1/namespaces', { metadata: { name: 'cut' } });
    const path = '/api/v1/namespaces/cut/configmaps';
    for (const name of ['stays', 'goes', 'changes']) await servers[0].create(path, { metadata: { name } });
    const { metadata } = (await cutOff.call(`GET ${path}`)).body;
    proxy.cut();
    await servers[0].call(`DELETE ${path}/goes`);
    const patch = { data: { a: 'b' } };
    await servers[0].call(`PATCH ${path}/changes`, patch, undefined, 'application/merge-patch+json');
    await servers[0].create(path, { metadata: { name: 'comes' } });
    assert.equal((await cutOff.call(`GET ${path}`)).status, 500);
    await using other = await openEtcdStore({ servers: [etcdUrl], root: '/registry/' });
    await other.compact(other.revision);
    proxy.mend();
    let listed = await cutOff.call(`GET ${path}`);
    while (listed.status !== 200) listed = await cutOff.call(`GET ${path}`);
    assert.deepEqual(
      listed.body.items.map((item: any) => [item.metadata.name, item.data?.a]),
      [
        ['changes', 'b'],
        ['comes', undefined],
        ['stays', undefined],
      ],
    );
    const resumed = await cutOff.call(
      `GET ${path}?watch=true&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=1`,
    );
    assert.equal(resumed.body.object.code, 410);
    await cutOff.create(path, { metadata: { name: 'again' } });
    assert.equal((await servers[1].call(`GET ${path}/again`)).status, 200);
  });
}
