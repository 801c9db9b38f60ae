import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  namespaceKind,
  persistentVolumeClaimKind,
  podKind,
  resourceQuotaKind,
  serviceAccountKind,
  serviceKind,
} from '../../generated/kinds.ts';
import { StatusError } from '../api/meta/status-error.ts';
import { startLoneServer } from '../testing/fed-informers.ts';
import { resourceQuotaController } from './resource-quota.ts';

test('what a quota was charged while its watch was away is not given back before the caches show what for', async () => {
  await using server = await startLoneServer();
  const { client, clock, informers, context } = server;
  const [namespace, name] = ['shop', 'few'];
  await client.resource(namespaceKind).create({ metadata: { name: namespace }, spec: {} });
  await client.resource(serviceAccountKind).create({ metadata: { namespace, name: 'default' } });
  await client.resource(resourceQuotaKind).create({ metadata: { namespace, name }, spec: { hard: { pods: '3' } } });
  const controller = resourceQuotaController.setup(context, { add() {}, addAfter() {} });
  const look = () => controller.reconcile(`${namespace}/${name}`, new AbortController().signal);
  const create = (pod: string) => {
    const spec = { containers: [{ name: 'c', image: 'app' }] };
    return client.resource(podKind).create({ metadata: { namespace, name: pod }, spec });
  };
  const remove = (pod: string) => client.resource(podKind).delete({ namespace, name: pod }, { gracePeriodSeconds: 0 });
  const used = async () => (await client.resource(resourceQuotaKind).get({ namespace, name })).status?.used?.['pods'];
  const kinds = [resourceQuotaKind, podKind, serviceKind, persistentVolumeClaimKind];

  await informers.catchUp(client, ...kinds);
  await look();
  for (const pod of ['a', 'b', 'c']) await create(pod);
  await informers.catchUp(client, ...kinds);
  await clock.advance(2_000);

  for (const pod of ['a', 'b']) await remove(pod);
  await informers.catchUp(client, podKind);
  await look();
  assert.equal(await used(), '1');

  // The watch of quotas shows as many in use as before: what was freed in between it passed over.
  for (const pod of ['d', 'e']) await create(pod);
  await informers.catchUp(client, resourceQuotaKind);
  await clock.advance(2_000);
  await look();
  assert.equal(await used(), '3');
  await assert.rejects(create('f'), (error) => error instanceof StatusError && error.code === 403);
});
