import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service, ServiceSpec } from '../../generated/core-v1.ts';
import { eventKind, serviceKind } from '../../generated/kinds.ts';
import { announcedAddresses } from '../api/core/announced-addresses.ts';
import { startCluster, type TestingCluster } from '../testing/start-cluster.ts';
import { AddressPool } from './load-balancer/address-pool.ts';

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

test('a load balancer of two families has an address of each, and one of a single family that one alone', async () => {
  const pool = new AddressPool({
    ranges: ['192.0.2.0/29', '2001:db8::/125'],
    services: () => [],
    taken: () => ['2001:db8::1'],
  });
  const ask = async (name: string, spec: Partial<ServiceSpec>) => {
    const service = { metadata: { namespace: 'default', name }, spec: { ...spec, type: 'LoadBalancer' } } as Service;
    const status = await pool.ensure(service);
    return { ...service, status: { loadBalancer: status } } as Service;
  };
  const both = await ask('both', { ipFamilies: ['IPv6', 'IPv4'] });
  assert.deepEqual(addressesOf(both), ['2001:db8::2', '192.0.2.1']);
  assert.deepEqual(addressesOf(await ask('six', { ipFamilies: ['IPv6'] })), ['2001:db8::3']);
  const wished = await ask('wished', { ipFamilies: ['IPv4', 'IPv6'], loadBalancerIP: '2001:DB8::0:7' });
  assert.deepEqual(addressesOf(wished), ['192.0.2.2', '2001:db8::7']);

  const annotations = pool.annotations(both.status!.loadBalancer!) as Record<string, string>;
  const given = { ...both, metadata: { ...both.metadata, annotations } };
  assert.deepEqual(announcedAddresses(given), ['2001:db8::2', '192.0.2.1']);
  assert.equal(pool.isComplete(given), true);
  const lessened = { ...given, spec: { ...given.spec, ipFamilies: ['IPv6'] } } as Service;
  assert.equal(pool.isComplete(lessened), false);
  assert.deepEqual((await pool.ensure(lessened)).ingress, [{ ip: '2001:db8::2', ipMode: 'VIP' }]);
  const without = new AddressPool({ ranges: ['192.0.2.0/29'], services: () => [], taken: () => [] });
  assert.deepEqual((await without.ensure({ ...both, spec: { ipFamilies: ['IPv4', 'IPv6'] } } as Service)).ingress, [
    { ip: '192.0.2.1', ipMode: 'VIP' },
  ]);
  await assert.rejects(
    without.ensure(lessened),
    /no address of IPv6 is in the ranges of load balancers \(192\.0\.2\.0\/29\)/,
  );
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
