import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TokenReview } from '../../generated/authentication-v1.ts';
import { podKind, secretKind, serviceAccountKind, tokenReviewKind } from '../../generated/kinds.ts';
import { startCluster } from './start-cluster.ts';

const namespace = 'default';
const type = 'kubernetes.io/service-account-token';
const [lastUsed, invalidSince] = ['kubernetes.io/legacy-token-last-used', 'kubernetes.io/legacy-token-invalid-since'];

test('a token that a service account once got and nobody uses is invalid after a year, and gone after two', async () => {
  await using cluster = await startCluster({ nodes: 0, startAt: new Date('2030-01-01T12:00:00Z') });
  const { client, clock } = cluster;
  const [secrets, accounts] = [client.resource(secretKind), client.resource(serviceAccountKind)];
  const all = ['idle', 'used', 'mounted', 'by-hand'];
  for (const name of all) {
    const annotations = { 'kubernetes.io/service-account.name': 'default' };
    await secrets.create({ metadata: { name, namespace, annotations }, type });
  }
  // The account lists what was made for it; what is not listed was made by hand.
  const listed = all.filter((name) => name !== 'by-hand').map((name) => ({ name }));
  await accounts.patch({ namespace, name: 'default' }, { secrets: listed }, { type: 'merge' });
  const volumes = [{ name: 's', secret: { secretName: 'mounted' } }];
  await client.resource(podKind).create({
    metadata: { name: 'p', namespace },
    spec: { containers: [{ name: 'c', image: 'i' }], volumes },
  });
  await clock.advance('10s');
  const find = (name: string) => secrets.find({ namespace, name });
  const tokenOf = async (name: string) => Buffer.from((await find(name))!.data!['token']!, 'base64').toString();
  const isGood = async (token: string) => {
    const review = { metadata: {}, spec: { token } } as TokenReview;
    const answer = await client.resource(tokenReviewKind as never).create(review as never);
    return (answer as TokenReview).status?.authenticated ?? false;
  };
  const [idle, used] = [await tokenOf('idle'), await tokenOf('used')];
  const labels = async () => {
    const { items } = await secrets.list({ namespace });
    const ours = items.filter((secret) => secret.type === type);
    return Object.fromEntries(ours.map(({ metadata }) => [metadata.name, metadata.labels?.[invalidSince]]));
  };
  const day = 24;

  await clock.leap(`${200 * day}h`);
  await clock.advance('1m');
  assert.ok(await isGood(used));
  await clock.advance('1m');
  assert.equal((await find('used'))?.metadata.labels?.[lastUsed], '2030-07-20');

  await clock.leap(`${180 * day}h`);
  await clock.advance('1m');
  const today = '2031-01-16';
  assert.deepEqual(await labels(), { idle: today, used: undefined, mounted: undefined, 'by-hand': undefined });
  assert.ok(!(await isGood(idle)));
  assert.ok(await isGood(used));

  await clock.leap(`${370 * day}h`);
  await clock.advance('1m');
  const left = await labels();
  assert.deepEqual(Object.keys(left).sort(), ['by-hand', 'mounted', 'used']);
  assert.equal(left['used'], '2032-01-21');
});
