import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../testing/test-server.ts';
import { lastUsedLabel } from './service-account-tokens.ts';

test('the use of a token kept in a Secret is noted on it, and one marked invalid is refused', async () => {
  await using api = await startTestServer();
  const [accounts, secrets] = ['/api/v1/namespaces/default/serviceaccounts', '/api/v1/namespaces/default/secrets'];
  const since = await api.call(
    'GET /api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking',
  );
  assert.match(since.body.data.since, /^\d{4}-\d\d-\d\d$/);
  await api.create(accounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } });
  await api.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'kept', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
    type: 'kubernetes.io/service-account-token',
  });
  const boundObjectRef = { kind: 'Secret', apiVersion: 'v1', name: 'kept' };
  const issued = await api.call(`POST ${accounts}/robot/token`, { spec: { audiences: [], boundObjectRef } });
  const review = async () => {
    const spec = { token: issued.body.status.token };
    return (await api.call('POST /apis/authentication.k8s.io/v1/tokenreviews', { spec })).body.status;
  };
  assert.equal((await review()).authenticated, true);
  let labels: Record<string, string> | undefined;
  while (!labels?.[lastUsedLabel]) {
    labels = (await api.call(`GET ${secrets}/kept`)).body.metadata.labels;
    await new Promise(setImmediate);
  }
  assert.match(labels[lastUsedLabel], /^\d{4}-\d\d-\d\d$/);
  const mark = { metadata: { labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' } } };
  await api.call(`PATCH ${secrets}/kept`, mark, undefined, 'application/merge-patch+json');
  assert.match(
    (await review()).error,
    /secret default\/kept for service account default\/robot has been marked invalid/,
  );
});

test('the token that a pod mounts lasts a year and is to be replaced after an hour', async () => {
  await using api = await startTestServer();
  const home = '/api/v1/namespaces/default';
  await api.create(`${home}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  });
  const spec = { containers: [{ name: 'c', image: 'i' }], automountServiceAccountToken: false };
  await api.create(`${home}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec });
  const boundObjectRef = { kind: 'Pod', apiVersion: 'v1', name: 'web' };
  const request = { spec: { audiences: [], expirationSeconds: 3607, boundObjectRef } };
  const { body } = await api.call(`POST ${home}/serviceaccounts/default/token`, request);
  const claims = JSON.parse(Buffer.from(body.status.token.split('.')[1], 'base64url').toString());
  assert.equal(claims.exp - claims.iat, 365 * 24 * 3600);
  assert.equal(claims['kubernetes.io'].warnafter - claims.iat, 3607);
  assert.equal(body.spec.expirationSeconds, 3607);
});
