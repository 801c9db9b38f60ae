import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { startTestServer } from '../testing/test-server.ts';

const services = '/api/v1/namespaces/default/services';
const addresses = '/apis/networking.k8s.io/v1/ipaddresses';

test('the address of a Service has an object while the Service has the address', async () => {
  await using server = await startTestServer();
  const { spec } = await server.create(services, { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } });
  const path = `${addresses}/${spec.clusterIP}`;
  const until = async (isSo: (body: any, status: number) => boolean): Promise<any> => {
    for (;;) {
      const { status, body } = await server.call(`GET ${path}`);
      if (isSo(body, status)) return body;
      await setImmediate();
    }
  };
  const made = await until((_, status) => status === 200);
  assert.deepEqual(made.spec, { parentRef: { resource: 'services', namespace: 'default', name: 'web' } });
  assert.deepEqual(made.metadata.labels, {
    'ipaddress.kubernetes.io/ip-family': 'IPv4',
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  });
  await server.call(`DELETE ${path}`);
  await until((body, status) => status === 200 && body.metadata.uid !== made.metadata.uid);
  await server.call(`DELETE ${services}/web`);
  await until((_, status) => status === 404);
});

test('an IPAddress that is taken away or altered comes again, and an event says so', async () => {
  await using server = await startTestServer();
  const { spec, metadata } = await server.create(services, {
    metadata: { name: 'web' },
    spec: { ports: [{ port: 80 }] },
  });
  const path = `${addresses}/${spec.clusterIP}`;
  const until = async <T>(look: () => Promise<T | undefined>): Promise<T> => {
    for (;;) {
      const found = await look();
      if (found) return found;
      await setImmediate();
    }
  };
  const present = async () => {
    const { status, body } = await server.call(`GET ${path}`);
    return status === 200 ? body : undefined;
  };
  const first = await until(present);
  await server.call(`DELETE ${path}`);
  const event = await until(async () => {
    const { body } = await server.call('GET /apis/events.k8s.io/v1/namespaces/default/events');
    return body.items.find(({ regarding }: any) => regarding.uid === metadata.uid);
  });
  assert.equal(event.reason, 'ClusterIPNotAllocated');
  assert.equal(event.note, `Cluster IP [IPv4]: ${spec.clusterIP} is not allocated; repairing`);
  assert.equal(event.reportingController, 'ipallocator-repair-controller');
  await until(async () => ((await present())?.metadata.uid ?? first.metadata.uid) !== first.metadata.uid);
});
