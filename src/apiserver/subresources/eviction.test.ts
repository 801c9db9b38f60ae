import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestServer } from '../testing/test-server.ts';

test('an eviction that means another pod is refused, and leaves no mark', async () => {
  await using api = await startTestServer();
  const home = '/api/v1/namespaces/default';
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  await api.create(`${home}/serviceaccounts`, account);
  const { metadata } = await api.create(`${home}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
  const evict = (preconditions: object) =>
    api.call(`POST ${home}/pods/web/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'web' },
      deleteOptions: { preconditions },
    });
  const conflict = 'Operation cannot be fulfilled on Pod "web": the';
  for (const [preconditions, want] of [
    [
      { uid: 'x' },
      `${conflict} UID in the precondition (x) does not match the UID in record (${metadata.uid}). The object might have been deleted and then recreated`,
    ],
    [
      { resourceVersion: '1' },
      `${conflict} ResourceVersion in the precondition (1) does not match the ResourceVersion in record (${metadata.resourceVersion}). The object might have been modified`,
    ],
  ] as const) {
    const { status, body } = await evict(preconditions);
    assert.equal(status, 409);
    assert.equal(body.message, want);
  }
  const { body: pod } = await api.call(`GET ${home}/pods/web`);
  assert.equal(pod.metadata.resourceVersion, metadata.resourceVersion);
  const { uid, resourceVersion } = metadata;
  assert.equal((await evict({ uid, resourceVersion })).status, 201);
});

test('an eviction is judged before it is carried out, and a binding names its pod', async () => {
  await using api = await startTestServer();
  const home = '/api/v1/namespaces/default';
  await api.create(`${home}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  });
  const pod = { metadata: { name: 'web' }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  await api.create(`${home}/pods`, { apiVersion: 'v1', kind: 'Pod', ...pod });
  const evict = (deleteOptions: object) =>
    api.call(`POST ${home}/pods/web/eviction?dryRun=All`, { metadata: { name: 'web' }, deleteOptions });
  const isUnsafe = { ignoreStoreReadErrorWithClusterBreakingPotential: true };
  const cases: [object, number, RegExp][] = [
    [{ dryRun: ['Some'] }, 500, /^Non-matching dry-run options in request and content: \[All\] and \[Some\]$/],
    [{ ...isUnsafe, dryRun: ['Some'] }, 422, /can not be set for pod eviction/],
    [{ propagationPolicy: 'Some' }, 422, /^DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy/],
  ];
  for (const [options, status, message] of cases) {
    const refused = await evict(options);
    assert.equal(refused.status, status);
    assert.match(refused.body.message, message);
  }
  const bind = async (metadata: object) => {
    const { body } = await api.call(`POST ${home}/pods/web/binding`, { metadata, target: { kind: 'Node', name: 'n' } });
    return body.message;
  };
  assert.equal(await bind({}), 'name in URL does not match name in Binding object');
  assert.match(await bind({ name: 'web', namespace: 'other' }), /^the namespace of the provided object does not match/);
});
