import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';

const kubelet = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] };
const home = '/api/v1/namespaces/default';

let api: TestServer;
let node: any;
before(async () => {
  api = await startTestServer();
  node = await api.create('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } });
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default' } };
  await api.create(`${home}/serviceaccounts`, account);
});
after(() => api[Symbol.asyncDispose]());

const merge = (path: string, body: object, user = kubelet) =>
  api.call(`PATCH ${path}`, body, user, 'application/merge-patch+json');

/** Just what comes after "is forbidden: ". */
async function refusal(answer: Promise<{ status: number; body: any }>): Promise<string> {
  const { status, body } = await answer;
  return status === 403 ? body.message.replace(/^.*? is forbidden: /, '') : `${status} ${body.message ?? ''}`.trim();
}

function pod(name: string, volumes: object[], more: object = {}) {
  const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], volumes, ...more };
  return api.create(`${home}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
}

test('a node makes mirror pods that it owns and that read nothing, and no others', async () => {
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'n1', uid: node.metadata.uid, controller: true };
  const make = (ownerReferences: object[], volumes: object[] = []) => {
    const metadata = { name: 'web', annotations: { 'kubernetes.io/config.mirror': 'x' }, ownerReferences };
    const spec = { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], volumes };
    return api.call(`POST ${home}/pods`, { apiVersion: 'v1', kind: 'Pod', metadata, spec }, kubelet);
  };
  assert.equal(await refusal(make([])), 'node "n1" can only create pods with an owner reference set to itself');
  for (const [source, what] of [
    [{ csi: { driver: 'd' } }, 'csidrivers (via CSI volumes)'],
    [
      {
        ephemeral: {
          volumeClaimTemplate: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1' } } } },
        },
      },
      'persistentvolumeclaims (via ephemeral volumes)',
    ],
    [{ persistentVolumeClaim: { claimName: 'x' } }, 'persistentvolumeclaims'],
    [{ configMap: { name: 's' } }, 'configmaps'],
  ] as const) {
    const answer = refusal(make([owner], [{ name: 'v', ...source }]));
    assert.equal(await answer, `node "n1" can not create pods that reference ${what}`);
  }
  assert.equal((await make([owner], [{ name: 'v', hostPath: { path: '/x' } }])).status, 201);
});

test('a node asks for tokens of the audiences that the volumes of its pod name', async () => {
  const audience = (name?: string) => ({ serviceAccountToken: { path: 'x', ...(name ? { audience: name } : {}) } });
  await api.create('/apis/storage.k8s.io/v1/csidrivers', {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'CSIDriver',
    metadata: { name: 'd' },
    spec: { tokenRequests: [{ audience: 'driver' }] },
  });
  const made = await pod('asks', [
    { name: 't', projected: { sources: [audience('vault')] } },
    { name: 'c', csi: { driver: 'd' } },
  ]);
  const unbound = await pod('unbound', [{ name: 'd', persistentVolumeClaim: { claimName: 'nosuch' } }]);
  const ask = (audiences: string[], bound = made, named = 'default') =>
    refusal(
      api.call(
        `POST ${home}/serviceaccounts/${named}/token`,
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: {
            audiences,
            boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: bound.metadata.name, uid: bound.metadata.uid },
          },
        },
        kubelet,
      ),
    );
  const unnamed = (name: string) =>
    `audience "${name}" not found in pod spec volume, system:node:n1 is not authorized to request tokens for this audience`;
  const local = 'https://kubernetes.default.svc.cluster.local';
  assert.equal(await ask(['vault']), '201');
  assert.equal(await ask(['driver']), '201');
  // The volume that every pod gets names none.
  assert.equal(await ask([]), '201');
  assert.equal(await ask([local]), unnamed(local));
  assert.equal(await ask(['other']), unnamed('other'));
  assert.equal(await ask(['vault', 'driver']), 'node may only request 0 or 1 audiences');
  assert.equal(
    await ask(['other'], unbound),
    'error validating audience "other": persistentvolumeclaim "nosuch" not found',
  );
  assert.equal(await ask(['vault'], { metadata: { name: 'gone', uid: 'x' } }), '404 pod "gone" not found');

  const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1', metadata: { name: 'audiences' } };
  const verbs = ['request-serviceaccounts-token-audience'];
  await api.create('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    ...rbac,
    kind: 'ClusterRole',
    rules: [{ verbs, apiGroups: [''], resources: ['other'], resourceNames: ['default'] }],
  });
  const { apiVersion, ...named } = { apiVersion: '', apiGroup: 'rbac.authorization.k8s.io', name: 'audiences' };
  await api.create('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    ...rbac,
    kind: 'ClusterRoleBinding',
    roleRef: { ...named, kind: 'ClusterRole' },
    subjects: [{ ...named, kind: 'Group', name: 'system:nodes' }],
  });
  assert.equal(await ask(['other']), '201');
});

test('a node tells how large a claim is, and changes nothing else of it', async () => {
  await api.create(`${home}/persistentvolumeclaims`, {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  await pod('mounts', [{ name: 'd', persistentVolumeClaim: { claimName: 'data' } }]);
  const status = `${home}/persistentvolumeclaims/data/status`;
  const grown = { capacity: { storage: '1Gi' }, conditions: [{ type: 'FileSystemResizePending', status: 'True' }] };
  assert.equal((await merge(status, { status: grown })).status, 200);
  const only = 'node "n1" is not allowed to update fields other than status.quantity and status.conditions: ';
  const labelled = await refusal(merge(status, { metadata: { labels: { a: 'b' } } }));
  assert.ok(labelled.startsWith(only), labelled);
  assert.match(labelled, /^\+ "labels": \{\n\+ {2}"a": "b"\n\+ \},\n {2}"finalizers"/m);
  assert.equal(
    await refusal(merge(status, { status: { phase: 'Bound' } })),
    `${only}@@ -25,7 +25,7 @@\n   "VolumeAttributesClassName": null\n  },\n  "Status": {\n-  "Phase": "Pending",\n+  "Phase": "Bound",\n   "AccessModes": null,\n   "Capacity": null,\n   "Conditions": null,\n`,
  );
});

test('a node does not steer pods to itself', async () => {
  const self = '/api/v1/nodes/n1';
  for (const [patch, problem] of [
    [
      { metadata: { labels: { 'a.node-restriction.kubernetes.io/b': 'x' } } },
      'is not allowed to modify labels: a.node-restriction.kubernetes.io/b',
    ],
    [
      { metadata: { labels: { 'k8s.io/b': 'x', 'kubernetes.io/a': 'x' } } },
      'is not allowed to modify labels: k8s.io/b, kubernetes.io/a',
    ],
    [{ spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }, 'node "n1" is not allowed to modify taints'],
    [{ metadata: { labels: { 'node.kubernetes.io/a': 'x', 'topology.kubernetes.io/zone': 'z', plain: 'x' } } }, '200'],
  ] as const) {
    assert.equal(await refusal(merge(self, patch)), problem);
  }
  const other = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n2' } };
  assert.equal(
    await refusal(api.call('POST /api/v1/nodes', other, kubelet)),
    'node "n1" is not allowed to modify node "n2"',
  );
});

test('a node speaks for itself only: leases, drivers, devices, certificates', async () => {
  const post = (group: string, path: string, kind: string, object: object) =>
    refusal(api.call(`POST /apis/${group}/v1/${path}`, { apiVersion: `${group}/v1`, kind, ...object }, kubelet));
  const lease = (name: string) =>
    post('coordination.k8s.io', 'namespaces/kube-node-lease/leases', 'Lease', { metadata: { name } });
  await api
    .create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kube-node-lease' } })
    .catch(() => {});
  assert.equal(await lease('n1'), '201');
  assert.equal(await lease('n2'), 'can only access node lease with the same name as the requesting node');
  const csi = (name: string) =>
    post('storage.k8s.io', 'csinodes', 'CSINode', { metadata: { name }, spec: { drivers: [] } });
  assert.equal(await csi('n1'), '201');
  assert.equal(await csi('n2'), 'can only access CSINode with the same name as the requesting node');
  const slice = (nodeName: string) =>
    post('resource.k8s.io', 'resourceslices', 'ResourceSlice', {
      metadata: { name: nodeName },
      spec: { driver: 'd', nodeName, pool: { name: 'p', generation: 1, resourceSliceCount: 1 }, devices: [] },
    });
  assert.equal(await slice('n1'), '201');
  assert.equal(await slice('n2'), 'can only create ResourceSlice with the same NodeName as the requesting node');
  const sign = (text: string) =>
    post('certificates.k8s.io', 'certificatesigningrequests', 'CertificateSigningRequest', {
      metadata: { name: 'c' },
      spec: {
        signerName: 'kubernetes.io/kubelet-serving',
        usages: ['server auth'],
        request: Buffer.from(text).toString('base64'),
      },
    });
  assert.equal(await sign('hello'), 'unable to parse csr: PEM block type must be CERTIFICATE REQUEST');
});
