import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podKind, resourceClaimKind, resourceSliceKind } from '../../generated/kinds.ts';
import { startLoneServer } from '../testing/fed-informers.ts';
import { deviceTaintEvictionController } from './device-taint-eviction.ts';

test('nobody is evicted for a taint of a device while the watch of devices or of claims is not back', async () => {
  const written: string[] = [];
  await using server = await startLoneServer((transport) => ({
    ...transport,
    request(request) {
      if (request.method !== 'GET') written.push(`${request.method} ${request.path}`);
      return transport.request(request);
    },
  }));
  const { informers, context } = server;
  const again: number[] = [];
  const controller = deviceTaintEvictionController.setup(context, {
    add() {},
    addAfter: (_, delayMs) => again.push(delayMs),
  });
  const [pods, claims, slices] = [podKind, resourceClaimKind, resourceSliceKind].map((kind) =>
    informers.informer<any>(kind as never),
  ) as [any, any, any];
  const named = (name: string) => ({ namespace: 'default', name, uid: `uid-${name}`, resourceVersion: '1' });
  pods.changed('ADDED', {
    metadata: named('user'),
    spec: { nodeName: 'node', containers: [], resourceClaims: [{ name: 'gpu', resourceClaimName: 'gpu' }] },
  });
  const place = { driver: 'gpu.example.com', pool: 'pool', device: 'gpu-0' };
  claims.changed('ADDED', {
    metadata: named('gpu'),
    spec: {},
    status: {
      reservedFor: [{ resource: 'pods', name: 'user', uid: 'uid-user' }],
      allocation: { devices: { results: [{ request: 'gpu', ...place }] } },
    },
  });
  const taint = { key: 'broken', effect: 'NoExecute', timeAdded: '2029-12-31T00:00:00Z' };
  slices.changed('ADDED', {
    metadata: { name: 'slice', uid: 'uid-slice', resourceVersion: '1' },
    spec: {
      driver: place.driver,
      pool: { name: 'pool', generation: 1, resourceSliceCount: 1 },
      devices: [{ name: place.device, taints: [taint] }],
    },
  });

  const look = () => controller.reconcile('default/user', new AbortController().signal);
  for (const informer of [pods, claims, slices]) {
    await look();
    assert.deepEqual([written, again.splice(0)], [[], [1000]]);
    informer.opened(0);
  }
  await look();
  assert.deepEqual([written.length, written[0]], [1, 'PATCH /api/v1/namespaces/default/pods/user/status']);
});
