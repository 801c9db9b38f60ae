import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startTestServer, type TestServer } from './testing/test-server.ts';

const pod = (name: string, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'web' } },
  spec: { containers: [{ name: 'app', image: 'nginx:1.25' }], ...spec },
});
const jane = { username: 'jane', groups: ['system:authenticated'] };
const mergePatch = 'application/merge-patch+json';
let api: TestServer;
let namespaces = 0;

before(async () => {
  api = await startTestServer();
});
after(() => api[Symbol.asyncDispose]());

/** A namespace of its own with the account that its controller would make. */
async function namespace(labels: Record<string, string> = {}): Promise<string> {
  const name = `ns-${++namespaces}`;
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
  await api.create(`/api/v1/namespaces/${name}/serviceaccounts`, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default' },
  });
  return name;
}

/** A certificate signing request as `spec.request` holds it. */
async function signingRequest(name: string): Promise<string> {
  await import('reflect-metadata');
  const { Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: algorithm });
  return Buffer.from(request.toString('pem')).toString('base64');
}

const pods = (ns: string) => `/api/v1/namespaces/${ns}/pods`;

describe('admission', () => {
  test('gives a pod its account, token volume, priority and tolerations', async () => {
    const ns = await namespace();
    const { spec } = await api.create(pods(ns), pod('web'));
    assert.equal(spec.serviceAccountName, 'default');
    assert.match(spec.volumes[0].name, /^kube-api-access-.{5}$/);
    assert.equal(spec.containers[0].volumeMounts[0].mountPath, '/var/run/secrets/kubernetes.io/serviceaccount');
    assert.deepEqual([spec.priority, spec.preemptionPolicy, spec.tolerations.length], [0, 'PreemptLowerPriority', 2]);
  });

  test('leaves the token out where pod or account say so', async () => {
    const ns = await namespace();
    const { spec } = await api.create(pods(ns), pod('web', { automountServiceAccountToken: false }));
    assert.equal(spec.volumes, undefined);
  });

  test('refuses pods of accounts that are not there, and namespaces that are not', async () => {
    const ns = await namespace();
    const { status, body } = await api.call(`POST ${pods(ns)}`, pod('web', { serviceAccountName: 'none' }));
    assert.equal(status, 403);
    assert.equal(
      body.message,
      `pods "web" is forbidden: error looking up service account ${ns}/none: serviceaccount "none" not found`,
    );
    assert.equal((await api.call(`POST ${pods('nowhere')}`, pod('web'))).status, 404);
  });

  test('keeps a quota to the pod under many requests at once', async () => {
    const ns = await namespace();
    const quotas = `/api/v1/namespaces/${ns}/resourcequotas`;
    await api.create(quotas, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'q' },
      spec: { hard: { pods: '5' } },
    });
    await api.call(
      `PATCH ${quotas}/q/status`,
      { status: { hard: { pods: '5' }, used: { pods: '0' } } },
      undefined,
      mergePatch,
    );
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => api.call(`POST ${pods(ns)}`, pod(`p${n}`))));
    assert.equal(answers.filter(({ status }) => status === 201).length, 5);
    const refused = answers.find(({ status }) => status === 403)!;
    assert.match(refused.body.message, /exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5$/);
    assert.equal((await api.call(`GET ${quotas}/q`)).body.status.used.pods, '5');
    await api.call(`POST ${pods(ns)}?dryRun=All`, pod('dry'));
    assert.equal((await api.call(`GET ${quotas}/q`)).body.status.used.pods, '5');
  });

  test("lets a kubelet write its own node and nobody else's", async () => {
    const kubelet = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
    const node = (name: string) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name } });
    assert.equal((await api.call('POST /api/v1/nodes', node('n1'), kubelet)).status, 201);
    const other = await api.call('POST /api/v1/nodes', node('n2'), kubelet);
    assert.equal(other.body.message, 'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"');
    const labels = { metadata: { labels: { 'node-restriction.kubernetes.io/team': 'a' } } };
    const patched = await api.call('PATCH /api/v1/nodes/n1', labels, kubelet, mergePatch);
    assert.match(patched.body.message, /is not allowed to modify labels: node-restriction.kubernetes.io\/team$/);
  });

  test('lets a kubelet ask for certificates in its own name only', async () => {
    const kubelet = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
    const ask = async (name: string) => {
      const spec = {
        request: await signingRequest(name),
        signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
        usages: ['client auth'],
      };
      const metadata = { generateName: 'csr-' };
      const body = { apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest', metadata, spec };
      return api.call('POST /apis/certificates.k8s.io/v1/certificatesigningrequests', body, kubelet);
    };
    assert.equal((await ask('CN=system:node:n1, O=system:nodes')).status, 201);
    const other = await ask('CN=system:node:n2, O=system:nodes');
    assert.match(other.body.message, /can only create a node CSR with CN=system:node:n1$/);
  });

  test('enforces the pod security level of the namespace', async () => {
    const ns = await namespace({ 'pod-security.kubernetes.io/enforce': 'baseline' });
    const { body } = await api.call(`POST ${pods(ns)}`, pod('web', { hostNetwork: true }));
    assert.match(body.message, /violates PodSecurity "baseline:latest": host namespaces \(hostNetwork=true\)$/);
    assert.equal((await api.call(`POST ${pods(ns)}`, pod('web'))).status, 201);
  });

  test('writes who asked for a certificate, whatever the request says', async () => {
    const csr = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'forged' },
    };
    const spec = {
      request: await signingRequest('CN=jane'),
      signerName: 'example.com/x',
      usages: ['client auth'],
      username: 'root',
      groups: ['system:masters'],
    };
    const { body } = await api.call('POST /apis/certificates.k8s.io/v1/certificatesigningrequests?dryRun=All', {
      ...csr,
      spec,
    });
    assert.deepEqual([body.spec.username, body.spec.groups], ['admin', ['system:masters', 'system:authenticated']]);
  });
});

describe('rights', () => {
  test('cannot be granted by who lacks them', async () => {
    const ns = await namespace();
    const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${ns}`;
    const base = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'writer' } };
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'writer' };
    const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }];
    const rules = [
      {
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['roles', 'rolebindings'],
        verbs: ['create', 'update', 'patch'],
      },
    ];
    await api.create(`${rbac}/roles`, { ...base, kind: 'Role', rules });
    await api.create(`${rbac}/rolebindings`, { ...base, kind: 'RoleBinding', roleRef, subjects });
    const more = {
      ...base,
      kind: 'Role',
      metadata: { name: 'more' },
      rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['*'] }],
    };
    assert.equal((await api.call(`POST ${rbac}/roles`, more, jane)).status, 403);
    const adminRef = { ...roleRef, kind: 'ClusterRole', name: 'cluster-admin' };
    const binding = { ...base, kind: 'RoleBinding', metadata: { name: 'b' }, roleRef: adminRef, subjects };
    assert.equal((await api.call(`POST ${rbac}/rolebindings`, binding, jane)).status, 403);
    const widened = await api.call(`PATCH ${rbac}/roles/writer`, { rules: more.rules }, jane, mergePatch);
    assert.equal(widened.status, 403);
    assert.equal((await api.call(`POST ${rbac}/roles`, { ...more, rules }, jane)).status, 201);
  });

  test('of anonymous callers end at health and version', async () => {
    const nobody = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
    for (const path of ['/healthz', '/livez', '/readyz', '/version'])
      assert.equal((await api.call(`GET ${path}`, undefined, nobody)).status, 200);
    for (const path of ['/api', '/apis', '/metrics', '/openapi/v2', '/api/v1/pods', '/debug/pprof']) {
      assert.equal((await api.call(`GET ${path}`, undefined, nobody)).status, 403, path);
    }
  });
});

describe('subresources', () => {
  test('bind a pod once', async () => {
    const ns = await namespace();
    await api.create(pods(ns), pod('web'));
    const binding = (node: string) => ({
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'web' },
      target: { kind: 'Node', name: node },
    });
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((node) => api.call(`POST ${pods(ns)}/web/binding`, binding(node))),
    );
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409, 409]);
    const { body } = await api.call(`GET ${pods(ns)}/web`);
    assert.equal(body.status.conditions.find((each: any) => each.type === 'PodScheduled').status, 'True');
  });

  test('evict no more pods than the budget has', async () => {
    const ns = await namespace();
    for (const name of ['a', 'b', 'c']) {
      await api.create(pods(ns), pod(name, { nodeName: 'n' }));
      const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
      await api.call(`PATCH ${pods(ns)}/${name}/status`, { status }, undefined, mergePatch);
    }
    const budgets = `/apis/policy/v1/namespaces/${ns}/poddisruptionbudgets`;
    const spec = { minAvailable: 1, selector: { matchLabels: { app: 'web' } } };
    await api.create(budgets, {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'web' },
      spec,
    });
    const status = {
      observedGeneration: 1,
      disruptionsAllowed: 2,
      currentHealthy: 3,
      desiredHealthy: 1,
      expectedPods: 3,
    };
    await api.call(`PATCH ${budgets}/web/status`, { status }, undefined, mergePatch);
    const evict = (name: string) =>
      api.call(`POST ${pods(ns)}/${name}/eviction`, { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } });
    const answers = await Promise.all(['a', 'b', 'c'].map(evict));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 201, 429]);
    const budget = (await api.call(`GET ${budgets}/web`)).body.status;
    assert.equal(budget.disruptionsAllowed, 0);
    assert.equal(Object.keys(budget.disruptedPods).length, 2);
  });

  test('issue tokens that are good until their account is gone', async () => {
    const ns = await namespace();
    const accounts = `/api/v1/namespaces/${ns}/serviceaccounts`;
    const issued = await api.create(`${accounts}/default/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    });
    const review = async () => {
      const spec = { token: issued.status.token };
      return (
        await api.create('/apis/authentication.k8s.io/v1/tokenreviews', {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenReview',
          spec,
        })
      ).status;
    };
    assert.equal((await review()).user.username, `system:serviceaccount:${ns}:default`);
    await api.call(`DELETE ${accounts}/default`);
    const { authenticated, error } = await review();
    assert.deepEqual(
      [authenticated, error],
      [undefined, '[invalid bearer token, service account token has been invalidated]'],
    );
  });

  test('give a kubelet tokens for its own pods only', async () => {
    const ns = await namespace();
    await api.create(pods(ns), pod('mine', { nodeName: 'n1' }));
    await api.create(pods(ns), pod('theirs', { nodeName: 'n2' }));
    const kubelet = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
    const ask = async (name: string, isBound = true) => {
      const { uid } = (await api.call(`GET ${pods(ns)}/${name}`)).body.metadata;
      const spec = isBound ? { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid } } : {};
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
      return (await api.call(`POST /api/v1/namespaces/${ns}/serviceaccounts/default/token`, body, kubelet)).status;
    };
    assert.deepEqual([await ask('mine'), await ask('theirs'), await ask('mine', false)], [201, 403, 403]);
  });
});
