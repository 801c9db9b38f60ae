// A day's work with the official JavaScript client: informers, the object API, patches, errors.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as k8s from '@kubernetes/client-node';

const config = new k8s.KubeConfig();
config.loadFromDefault();
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const objects = k8s.KubernetesObjectApi.makeApiClient(config);
const namespace = 'javascript';

await core.createNamespace({ body: { metadata: { name: namespace } } });

// An informer sees a Deployment's pods come and go.
const pods = new Map();
const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/pods`, () => core.listNamespacedPod({ namespace }));
const changed = new EventTarget();
for (const verb of ['add', 'update', 'delete']) {
  informer.on(verb, (pod) => {
    if (verb === 'delete') pods.delete(pod.metadata.name);
    else pods.set(pod.metadata.name, pod.status.phase);
    changed.dispatchEvent(new Event('change'));
  });
}
informer.on('error', (error) => {
  if (error.name !== 'AbortError') throw error; // stop() ends its watch by aborting it
});
await informer.start();
const until = async (isTrue) => {
  while (!isTrue()) await once(changed, 'change', { signal: AbortSignal.timeout(60_000) });
};

const labels = { app: 'web' };
await apps.createNamespacedDeployment({
  namespace,
  body: {
    metadata: { name: 'web' },
    spec: {
      replicas: 4,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
    },
  },
});
await until(() => pods.size === 4 && [...pods.values()].every((phase) => phase === 'Running'));
await apps.patchNamespacedDeploymentScale({
  name: 'web',
  namespace,
  body: [{ op: 'replace', path: '/spec/replicas', value: 1 }],
});
await until(() => pods.size === 1);
await informer.stop();

// The object API finds each kind's path by discovery.
const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm', namespace }, data: { a: '1' } };
await objects.create(map);
const applied = await objects.patch(
  { ...map, data: { a: '2' } },
  undefined,
  undefined,
  'me',
  true,
  k8s.PatchStrategy.ServerSideApply,
);
assert.equal(applied.data.a, '2');
assert.ok(applied.metadata.managedFields.some(({ manager, operation }) => manager === 'me' && operation === 'Apply'));
await assert.rejects(objects.create(map), ({ code, body }) => code === 409 && /already exists/.test(JSON.stringify(body)));
await assert.rejects(core.readNamespacedSecret({ name: 'none', namespace }), ({ code }) => code === 404);

// Quantities, times and unknown fields come back as they went in.
const quota = await core.createNamespacedResourceQuota({
  namespace,
  body: { metadata: { name: 'q' }, spec: { hard: { 'requests.cpu': '1500m', pods: '10' } } },
});
assert.deepEqual(quota.spec.hard, { pods: '10', 'requests.cpu': '1500m' });
assert.ok(quota.metadata.creationTimestamp instanceof Date);
assert.equal((await config.makeApiClient(k8s.VersionApi).getCode()).minor, '36');
await core.deleteNamespace({ name: namespace });
console.log('javascript: all well');
