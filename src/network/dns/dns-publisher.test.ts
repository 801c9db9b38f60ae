import assert from 'node:assert/strict';
import test from 'node:test';
import type { Node } from '../../../generated/core-v1.ts';
import type { EndpointSlice } from '../../../generated/discovery-v1.ts';
import { nodeKind } from '../../../generated/kinds.ts';
import type { KindRef, KubernetesObject, ObjectKey } from '../../api/meta/object.ts';
import { FakeClock } from '../../base/clock-fake.ts';
import { silentLogger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { FakeInformerFactory } from '../testing/fake-informers.ts';
import { createDnsPublisher } from './dns-publisher.ts';

/** Keeps what is created and updated; its first `refusals` writes fail. */
function aServer(refusals = 0) {
  const objects = new Map<string, KubernetesObject>();
  let left = refusals;
  const write = async (kind: string, object: KubernetesObject) => {
    if (left-- > 0) throw new Error('not ready');
    objects.set(kind, object);
    return object;
  };
  const client = {
    resource: <T extends KubernetesObject>(kind: KindRef<T>) => ({
      find: async (_key: ObjectKey) => objects.get(kind.kind),
      create: (object: KubernetesObject) => write(kind.kind, object),
      update: (object: KubernetesObject) => write(kind.kind, object),
    }),
  } as unknown as Client;
  const endpoints = () =>
    (objects.get('EndpointSlice') as EndpointSlice | undefined)?.endpoints?.map((e) => `${e.nodeName} ${e.addresses}`);
  return { client, objects, endpoints };
}

const aNode = (name: string, podCIDR?: string) => ({ metadata: { name }, spec: { podCIDR } }) as Node;

test('kube-dns is published with an endpoint for each node that has its range, and follows them', async () => {
  const informers = new FakeInformerFactory();
  const nodes = informers.informer(nodeKind);
  nodes.put(aNode('b', '10.244.1.0/24'));
  nodes.put(aNode('c'));
  const { client, objects, endpoints } = aServer(1);
  const clock = new FakeClock();
  const publisher = createDnsPublisher({ client, informers, serviceCidr: '10.96.0.0/16', clock, log: silentLogger });
  const stop = new AbortController();
  const running = publisher.run(stop.signal);
  await clock.advance(0);
  assert.equal(objects.size, 0, 'the first attempt was refused');
  await clock.advance(1_000);
  const service = objects.get('Service') as { spec?: { clusterIP?: string } } | undefined;
  assert.equal(service?.spec?.clusterIP, '10.96.0.10');
  assert.deepEqual(endpoints(), ['b 10.244.1.1']);
  nodes.put(aNode('a', '10.244.0.0/24'));
  await clock.advance(0);
  assert.deepEqual(endpoints(), ['a 10.244.0.1', 'b 10.244.1.1']);
  nodes.remove('b');
  await clock.advance(0);
  assert.deepEqual(endpoints(), ['a 10.244.0.1']);
  objects.clear(); // somebody deleted both
  await clock.advance(60_000);
  assert.equal(objects.size, 2);
  stop.abort();
  await running;
});
