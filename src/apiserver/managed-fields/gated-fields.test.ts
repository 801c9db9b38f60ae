import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../testing/serve.ts';

const gated = {
  schedulingGroup: { podGroupName: 'x' },
  containers: [{ name: 'c', image: 'i', lifecycle: { stopSignal: 'SIGTERM' } }],
  volumes: [{ name: 'v', projected: { sources: [{ clusterTrustBundle: { name: 'x', path: 'a' } }] } }],
};
const template = { metadata: { labels: { a: 'b' } }, spec: gated };
const selector = { matchLabels: { a: 'b' } };
const jobTemplate = { spec: { template: { spec: { ...gated, restartPolicy: 'Never' } } } };
const never = { restartPolicy: 'Never', ...gated };

test('fields behind gates that are off are not stored, and belong to who sent them', async () => {
  await using api = await serve();
  for (const [path, object] of [
    ['/api/v1/namespaces/default/pods', { spec: gated }],
    ['/api/v1/namespaces/default/podtemplates', { template }],
    ['/api/v1/namespaces/default/replicationcontrollers', { spec: { template } }],
    ['/apis/apps/v1/namespaces/default/deployments', { spec: { selector, template } }],
    ['/apis/apps/v1/namespaces/default/replicasets', { spec: { selector, template } }],
    ['/apis/apps/v1/namespaces/default/daemonsets', { spec: { selector, template } }],
    ['/apis/apps/v1/namespaces/default/statefulsets', { spec: { serviceName: 's', selector, template } }],
    ['/apis/batch/v1/namespaces/default/jobs', { spec: { template: { spec: never } } }],
    ['/apis/batch/v1/namespaces/default/cronjobs', { spec: { schedule: '* * * * *', jobTemplate } }],
  ] as const) {
    const made = await api.call('POST', path, { metadata: { name: 'a' }, ...object });
    assert.equal(made.status, 201, made.text);
    check(made.body, path);
    const { managedFields: _managers, ...metadata } = made.body.metadata;
    const next = JSON.parse(JSON.stringify({ ...made.body, metadata }));
    for (const spec of podSpecs(next)) spec['containers'][0].lifecycle = { stopSignal: 'SIGKILL' };
    const updated = await api.call('PUT', `${path}/a`, next);
    assert.equal(updated.status, 200, updated.text);
    assert.equal(updated.body.metadata.generation, 1, path);
    check(updated.body, path);
  }
});

/** Every object that has containers. */
function podSpecs(root: object): Record<string, any>[] {
  const inner = Object.values(root).flatMap((value) => (value && typeof value === 'object' ? podSpecs(value) : []));
  return 'containers' in root ? [root, ...inner] : inner;
}

function check(object: { metadata: { managedFields: unknown } }, path: string): void {
  const { managedFields, ...metadata } = object.metadata;
  const stored = JSON.stringify({ ...object, metadata });
  assert.doesNotMatch(stored, /schedulingGroup|stopSignal|clusterTrustBundle|lifecycle/, path);
  assert.match(JSON.stringify(managedFields), /f:stopSignal/, path);
}
