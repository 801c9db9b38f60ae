import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service, ServiceSpec } from '../../generated/core-v1.ts';
import { eventKind, serviceKind } from '../../generated/kinds.ts';
import { startCluster, type TestingCluster } from '../testing/start-cluster.ts';

const inDefault = (name: string) => ({ namespace: 'default', name });

function servicesOf({ client, clock }: TestingCluster) {
  const services = client.resource(serviceKind);
  return {
    create: (name: string, spec: Partial<ServiceSpec> = {}) =>
      services.create({
        metadata: inDefault(name),
        spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
      } as never),
    settled: async (name: string): Promise<Service> => {
      await clock.advance('5s');
      return services.get(inDefault(name));
    },
    services,
  };
}

const addressesOf = ({ status }: Service) => (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);

test('each load balancer gets an address of its own, which is free again when the Service is another type', async () => {
  await using cluster = await startCluster();
  const { create, settled, services } = servicesOf(cluster);
  await create('one');
  await create('two');
  const [one, two] = [await settled('one'), await settled('two')];
  assert.deepEqual([...addressesOf(one), ...addressesOf(two)].sort(), ['198.18.0.1', '198.18.0.2']);
  assert.deepEqual(one.metadata.finalizers, ['service.kubernetes.io/load-balancer-cleanup']);
  const before = addressesOf(one)[0]!;
  await services.patch(inDefault('one'), { spec: { type: 'ClusterIP' } }, { type: 'merge' });
  const plain = await settled('one');
  assert.deepEqual(
    [addressesOf(plain), plain.metadata.finalizers, plain.metadata.annotations],
    [[], undefined, undefined],
  );
  await create('three', { loadBalancerIP: before });
  assert.deepEqual(addressesOf(await settled('three')), [before]);
  await services.delete(inDefault('two'));
  await cluster.clock.advance('5s');
  assert.equal(await services.find(inDefault('two')), undefined);
  const { items } = await cluster.client.resource(eventKind).list({ namespace: 'default' });
  const reasons = new Set(
    items.filter(({ source }) => source?.component === 'service-controller').map(({ reason }) => reason),
  );
  assert.deepEqual([...reasons].sort(), [
    'DeletedLoadBalancer',
    'DeletingLoadBalancer',
    'EnsuredLoadBalancer',
    'EnsuringLoadBalancer',
  ]);
});

test('an address that is wished for and can not be had is said in an event, and given once it is free', async () => {
  await using cluster = await startCluster();
  const { create, settled, services } = servicesOf(cluster);
  await create('first', { loadBalancerIP: '198.18.0.9' });
  await settled('first');
  await create('second', { loadBalancerIP: '198.18.0.9' });
  await create('elsewhere', { loadBalancerIP: '192.0.2.1' });
  assert.deepEqual(addressesOf(await settled('second')), []);
  const { items } = await cluster.client.resource(eventKind).list({ namespace: 'default' });
  const told = (name: string) =>
    items.find(({ reason, involvedObject }) => reason === 'SyncLoadBalancerFailed' && involvedObject.name === name)
      ?.message;
  const failed = 'Error syncing load balancer: failed to ensure load balancer';
  assert.equal(told('second'), `${failed}: 198.18.0.9 is in use by default/first`);
  assert.equal(told('elsewhere'), `${failed}: 192.0.2.1 is not in the ranges of load balancers (198.18.0.0/24)`);
  await services.delete(inDefault('first'));
  assert.deepEqual(addressesOf(await settled('second')), ['198.18.0.9']);
});

test('a Service of another class, or with an address by somebody else, is left alone', async () => {
  await using cluster = await startCluster();
  const { create, settled, services } = servicesOf(cluster);
  await create('other', { loadBalancerClass: 'example.com/other' });
  await create('given');
  await services.patch(
    inDefault('given'),
    { status: { loadBalancer: { ingress: [{ ip: '203.0.113.1' }] } } },
    { type: 'merge', subresource: 'status' },
  );
  assert.deepEqual(addressesOf(await settled('other')), []);
  assert.deepEqual(addressesOf(await settled('given')), ['203.0.113.1']);
});
