import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { nodeKind, podKind, serviceAccountKind } from '../../../generated/kinds.ts';
import { FakeClock } from '../../base/clock-fake.ts';
import { seededRandom } from '../../base/random.ts';
import { FakeObjects } from '../testing/fake-objects.ts';
import { openIdPaths } from './discovery.ts';
import { signingKey, signToken, verifyingKey } from './jwt.ts';
import { ServiceAccountTokens } from './service-account-tokens.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
const pem = (key: typeof rsa) => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const issuer = 'https://kubernetes.default.svc.cluster.local';
const account = { name: 'robot', uid: 'sa-1' };

function setUp(key = rsa) {
  const clock = new FakeClock();
  const objects = new FakeObjects([serviceAccountKind, { metadata: { namespace: 'shop', ...account } }]);
  const tokens = new ServiceAccountTokens({
    issuer,
    signingKey: signingKey(pem(key)),
    objects,
    clock,
    random: seededRandom(1),
  });
  const issue = (more: Partial<Parameters<typeof tokens.issue>[0]> = {}) =>
    tokens.issue({
      namespace: 'shop',
      serviceAccount: account,
      audiences: [issuer],
      expirationSeconds: 3600,
      binding: {},
      ...more,
    }).token;
  return { clock, objects, tokens, issue };
}

describe('service account tokens', () => {
  for (const [name, key] of [
    ['RS256', rsa],
    ['ES256', ec],
  ] as const) {
    test(`are good with ${name}`, async () => {
      const { tokens, issue } = setUp(key);
      const user = await tokens.authenticate({ bearerToken: issue() });
      assert.equal(user?.username, 'system:serviceaccount:shop:robot');
      assert.equal(user.uid, 'sa-1');
      assert.deepEqual(user.groups, ['system:serviceaccounts', 'system:serviceaccounts:shop']);
      assert.match(user.extra!['authentication.kubernetes.io/credential-id']![0]!, /^JTI=[0-9a-f-]{36}$/);
    });
  }

  test('expire', async () => {
    const { clock, tokens, issue } = setUp();
    const token = issue({ expirationSeconds: 600 });
    await clock.advance(600_000);
    assert.ok(await tokens.authenticate({ bearerToken: token }));
    await clock.advance(61_000);
    await assert.rejects(tokens.authenticate({ bearerToken: token }), /Unauthorized/);
  });

  test('die with their account, also when another takes its name', async () => {
    const { objects, tokens, issue } = setUp();
    const token = issue();
    assert.ok(await tokens.authenticate({ bearerToken: token }));
    objects.put(serviceAccountKind, { metadata: { namespace: 'shop', name: 'robot', uid: 'sa-2' } });
    await assert.rejects(tokens.authenticate({ bearerToken: token }), /Unauthorized/);
    objects.remove(serviceAccountKind, 'shop', 'robot');
    await assert.rejects(tokens.authenticate({ bearerToken: token }), /Unauthorized/);
  });

  test('bound to a pod say so and die a minute after its deletion', async () => {
    const { clock, objects, tokens, issue } = setUp();
    const pod = { namespace: 'shop', name: 'web', uid: 'pod-1' };
    objects.put(podKind, { metadata: pod });
    const token = issue({ binding: { node: { name: 'n1', uid: 'node-1' }, pod: { name: 'web', uid: 'pod-1' } } });
    const user = await tokens.authenticate({ bearerToken: token });
    assert.deepEqual(user?.extra?.['authentication.kubernetes.io/pod-name'], ['web']);
    assert.deepEqual(user?.extra?.['authentication.kubernetes.io/node-uid'], ['node-1']);
    objects.put(podKind, { metadata: { ...pod, deletionTimestamp: new Date(clock.now()).toISOString() } });
    await clock.advance(59_000);
    assert.ok(await tokens.authenticate({ bearerToken: token }));
    await clock.advance(2_000);
    await assert.rejects(tokens.authenticate({ bearerToken: token }), /Unauthorized/);
  });

  test('bound to a node die with it', async () => {
    const { objects, tokens, issue } = setUp();
    objects.put(nodeKind, { metadata: { name: 'n1', uid: 'node-1' } });
    const token = issue({ binding: { node: { name: 'n1', uid: 'node-1' } } });
    assert.ok(await tokens.authenticate({ bearerToken: token }));
    objects.remove(nodeKind, '', 'n1');
    await assert.rejects(tokens.authenticate({ bearerToken: token }), /Unauthorized/);
  });

  test('are good for their audiences only', () => {
    const { tokens, issue } = setUp();
    const token = issue({ audiences: ['vault'] });
    const good = tokens.review(token, ['vault', 'x']);
    assert.deepEqual('audiences' in good && good.audiences, ['vault']);
    assert.deepEqual(tokens.review(token, [issuer]), {
      error: `token audiences ["vault"] is invalid for the target audiences ["${issuer}"]`,
    });
  });

  test('are refused when anything in them was changed', async () => {
    const { tokens, issue } = setUp();
    const token = issue();
    const [head, body, signature] = token.split('.') as [string, string, string];
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString());
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const forged = encode({ ...claims, sub: 'system:serviceaccount:kube-system:admin' });
    const spki = verifyingKey(pem(rsa)).publicKey.export({ type: 'spki', format: 'pem' });
    const hs256 = encode({ alg: 'HS256', kid: tokens.keys[0]!.id });
    const confused = `${hs256}.${body}.${createHmac('sha256', spki).update(`${hs256}.${body}`).digest('base64url')}`;
    for (const bad of [
      `${head}.${forged}.${signature}`,
      `${head}.${body}.`,
      `${head}.${body}.${signature.slice(0, -4)}AAAA`,
      `${encode({ alg: 'none' })}.${body}.`,
      confused,
      signToken(signingKey(pem(ec)), claims),
      signToken(signingKey(pem(rsa)), { ...claims, sub: 'system:serviceaccount:kube-system:admin' }),
      signToken(signingKey(pem(rsa)), { iss: issuer }),
    ]) {
      await assert.rejects(tokens.authenticate({ bearerToken: bad }), /Unauthorized/, bad);
    }
  });

  test('of others, and what is no token at all, are left to other authenticators', async () => {
    const { tokens } = setUp();
    const others = signToken(signingKey(pem(rsa)), { iss: 'https://elsewhere' });
    for (const token of ['', 'x', 'a.b.c', '..', `${'x'.repeat(100_000)}.e30.x`, 'e30.W10.x', others]) {
      assert.equal(await tokens.authenticate({ bearerToken: token }), undefined);
    }
    assert.equal(await tokens.authenticate({}), undefined);
  });

  test('can be checked by others with the published keys', async () => {
    const { tokens, issue } = setUp(ec);
    const paths = openIdPaths(tokens, 'https://10.0.0.1:6443');
    const read = (wanted: string) => {
      const { answer } = paths.find(({ path }) => path === wanted)!;
      return JSON.parse(Buffer.from(answer({ method: 'GET', headers: {} }).body).toString());
    };
    const configuration = read('/.well-known/openid-configuration');
    assert.deepEqual([configuration.issuer, configuration.jwks_uri], [issuer, 'https://10.0.0.1:6443/openid/v1/jwks']);
    const { createLocalJWKSet, jwtVerify } = await import('jose');
    const currentDate = new Date(new FakeClock().now());
    const { payload } = await jwtVerify(issue(), createLocalJWKSet(read('/openid/v1/jwks')), {
      issuer,
      audience: issuer,
      currentDate,
    });
    assert.equal(payload.sub, 'system:serviceaccount:shop:robot');
  });
});
