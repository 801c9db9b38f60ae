import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterRole } from '../../generated/rbac-v1.ts';
import type { KubernetesObject } from '../api/meta/object.ts';
import { silentLogger } from '../base/log.ts';
import { seededRandom } from '../base/random.ts';
import { createClient } from '../client/create-client.ts';
import { openMemoryStore } from '../store/engines/memory.ts';
import type { Store } from '../store/store.ts';
import { directTransport } from '../testing/direct-transport.ts';
import { clusterDomain, createTestingServer, podCidr, serviceCidr } from '../testing/parts.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';
import { clusterObjects, ensureBootstrap } from './bootstrap.ts';

const place = { address: '192.0.2.1', apiPort: 6443, agentPort: 10250, nodeName: 'a', kubeconfigFile: '' };
const settings = { name: 'a', simulatedNodes: 1, podCidr, serviceCidr, clusterDomain, ...place };
const edit = { namespace: '', name: 'system:aggregate-to-edit' };

async function startServer(store: Store) {
  const clock = new VirtualClock();
  const server = createTestingServer({ store, clock, random: seededRandom(1), log: silentLogger });
  const stopping = new AbortController();
  const running = server.run(stopping.signal);
  await server.ready;
  const user = { username: 'system:apiserver', groups: ['system:masters'] };
  const transport = directTransport(server, user, () => clock.noteActivity());
  const objects = clusterObjects(settings, clock.now());
  return {
    server,
    client: createClient(transport, { userAgent: 'coracle/v1' }),
    objects,
    settle: () => clock.settle(), // the address of a Service gets its object a moment later
    async [Symbol.asyncDispose]() {
      stopping.abort();
      const ended = running.then(() => true);
      while (!(await Promise.race([ended, clock.advance(1_000).then(() => false)])));
    },
  };
}

/** What is stored, but for what no two clusters have in common. */
async function content(store: Store): Promise<Map<string, unknown>> {
  const { items } = await store.range({ prefix: '/registry/' });
  return new Map(
    items.map(({ key, value }) => {
      const object = JSON.parse(Buffer.from(value).toString()) as KubernetesObject;
      if (object.metadata) assert.match(object.metadata.uid!, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      return [key, { ...object, metadata: { ...object.metadata, uid: '' } }];
    }),
  );
}

test('what a server makes itself is what requests would have made, each object at a revision of its own', async () => {
  const [own, asked] = [openMemoryStore(), openMemoryStore()];
  await using first = await startServer(own);
  await ensureBootstrap(first.client, first.server, first.objects);
  await first.settle();
  await using second = await startServer(asked);
  await ensureBootstrap(second.client, { registry: second.server.registry, createOwn: undefined }, second.objects);
  await second.settle();
  assert.deepEqual(await content(own), await content(asked));
  const { items } = await own.range({ prefix: '/registry/rbac.authorization.k8s.io/' });
  assert.ok(items.length > 100);
  assert.equal(new Set(items.map(({ modRevision }) => modRevision)).size, items.length);
});

test('a start on what is there writes nothing; a default role that lost a rule gets it back, unless it wants none', async () => {
  const store = openMemoryStore();
  await using first = await startServer(store);
  const { client, server, objects } = first;
  await ensureBootstrap(client, server, objects);
  await first.settle();
  const roles = client.resource<ClusterRole>(
    server.registry.table.stored('rbac.authorization.k8s.io', 'clusterroles')!,
  );
  const before = store.revision;
  await ensureBootstrap(client, server, objects);
  assert.equal(store.revision, before);
  const { rules } = await roles.get(edit);
  const own = { apiGroups: ['example.com'], resources: ['own'], verbs: ['get'] };
  await roles.patch(edit, { rules: [own] }, { type: 'merge' });
  await ensureBootstrap(client, server, objects);
  assert.deepEqual((await roles.get(edit)).rules, [own, ...rules!]);
  const annotations = { 'rbac.authorization.kubernetes.io/autoupdate': 'false' };
  await roles.patch(edit, { metadata: { annotations }, rules: [own] }, { type: 'merge' });
  await ensureBootstrap(client, server, objects);
  assert.deepEqual((await roles.get(edit)).rules, [own]);
});
