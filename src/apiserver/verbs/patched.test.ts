// What patches and deletions are answered, where upstream's words and order are not what one would guess.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serve } from '../testing/serve.ts';

const home = '/api/v1/namespaces/default';
const jobs = '/apis/batch/v1/namespaces/default/jobs';
let api: Awaited<ReturnType<typeof serve>>;

before(async () => {
  api = await serve();
  await api.call('POST', `${home}/serviceaccounts`, { metadata: { name: 'default' } });
});
after(() => api[Symbol.asyncDispose]());

const patch = (kind: string, path: string, body: unknown) =>
  api.call('PATCH', path, body, { 'content-type': `application/${kind}-patch+json` });

const warningsOf = ({ headers }: { headers: Readonly<Record<string, unknown>> }) => String(headers['warning'] ?? '');

test('a refused JSON patch quotes the object with sorted keys where it looked, and names the first problem in that text', async () => {
  await api.call('POST', `${home}/configmaps`, {
    metadata: { name: 'quoted', managedFields: [{}] },
    data: { b: '<', a: '1' },
  });
  const { body } = await patch('json', `${home}/configmaps/quoted`, [
    { op: 'add', path: '/immutable', value: 'yes' },
    { op: 'add', path: '/data/c', value: [] },
  ]);
  const [text] = /\{\\".*\}\\?"/.exec(body.message)!;
  assert.match(
    text,
    /^\{\\"apiVersion\\":\\"v1\\",\\"data\\":\{\\"a\\":\\"1\\",\\"b\\":\\"\\\\u003c\\",\\"c\\":\[\]\},\\"immutable\\"/,
  );
  assert.match(text, /\\"metadata\\":\{\\"name\\":\\"quoted\\",\\"namespace\\"/);
  assert.match(body.message, /cannot unmarshal array into Go struct field ConfigMap.data of type string$/);
});

test('a patched object that says an unknown kind is refused for that alone', async () => {
  await api.call('POST', `${home}/configmaps`, { metadata: { name: 'kinds' } });
  const refused = await patch('merge', `${home}/configmaps/kinds`, { apiVersion: 'bogus', data: 1, more: 1 });
  assert.equal(refused.status, 422);
  assert.match(refused.body.message, /no kind "ConfigMap" is registered for version "bogus"/);
  assert.equal(warningsOf(refused), '');
  const nameless = await patch('json', `${home}/configmaps/kinds`, [{ op: 'remove', path: '/apiVersion' }]);
  assert.equal(nameless.status, 400);
  assert.match(nameless.body.message, /\(kinds based on URL\) was undeterminable/);
  assert.equal(warningsOf(nameless), '299 - "unknown field \\"metadata\\""');
});

test('directives in what a strategic patch adds are fields that nobody knows', async () => {
  const containers = [{ name: 'a', image: 'i' }];
  const spec = { selector: { app: 'x' }, template: { metadata: { labels: { app: 'x' } }, spec: { containers } } };
  await api.call('POST', `${home}/replicationcontrollers`, { metadata: { name: 'rc' }, spec });
  const added = [{ name: 'b', image: 'i', lifecycle: null, '$setElementOrder/ports': [] }];
  const body = { spec: { template: { spec: { containers: added } } } };
  const answer = await patch('strategic-merge', `${home}/replicationcontrollers/rc`, body);
  assert.equal(answer.status, 200);
  assert.match(warningsOf(answer), /unknown field \\"spec.template.spec.containers\[0\].\$setElementOrder\/ports\\"/);
  const retained = { spec: { $retainKeys: ['replicas'], replicas: 'many' } };
  const refused = await patch('strategic-merge', `${home}/replicationcontrollers/rc`, retained);
  assert.match(refused.body.message, /Invalid value: "map\[spec:map\[replicas:many\]\]"/);
});

test('a refused patch quotes the empty list that it has left', async () => {
  const range = { metadata: { name: 'range' }, spec: { cidrs: ['10.9.0.0/16'] } };
  await api.call('POST', '/apis/networking.k8s.io/v1/servicecidrs', range);
  const body = [{ op: 'remove', path: '/spec/cidrs/0' }];
  const refused = await patch('json', '/apis/networking.k8s.io/v1/servicecidrs/range', body);
  assert.match(refused.body.message, /spec.cidrs: Invalid value: \[\]: field is immutable/);
});

test('who deletes a Job without a word about its pods is warned, even when it is not deleted', async () => {
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
  await api.call('POST', jobs, { metadata: { name: 'job' }, spec: { template } });
  const refused = await api.call('DELETE', `${jobs}/job`, { preconditions: { uid: 'other' } });
  assert.equal(refused.status, 409);
  assert.match(warningsOf(refused), /child pods are preserved by default/);
  const accepted = await api.call('DELETE', `${jobs}/job`, { propagationPolicy: 'Orphan' });
  assert.equal(warningsOf(accepted), '');
  assert.equal(accepted.status, 200);
});

test('a deletion that waits for dependents is 202 where the client asked in the old way', async () => {
  const finalizers = ['example.com/wait'];
  for (const [name, options, status] of [
    ['old', { orphanDependents: false }, 202],
    ['new', { propagationPolicy: 'Foreground' }, 200],
  ] as const) {
    await api.call('POST', `${home}/configmaps`, { metadata: { name, finalizers } });
    assert.equal((await api.call('DELETE', `${home}/configmaps/${name}`, options)).status, status, name);
  }
});

test('an event goes at once, whatever is to become of what does not depend on it', async () => {
  const involvedObject = { namespace: 'default', name: 'x' };
  await api.call('POST', `${home}/events`, { metadata: { name: 'e' }, involvedObject });
  const other = await api.call('DELETE', '/apis/events.k8s.io/v1/namespaces/default/events/e', {
    preconditions: { uid: 'x' },
  });
  assert.match(other.body.message, /^Operation cannot be fulfilled on Event "e"/);
  const { body } = await api.call('DELETE', `${home}/events/e`, { propagationPolicy: 'Foreground' });
  assert.equal(body.kind, 'Status');
});

test('a Service says its fields in their order, those too that were given out', async () => {
  const { body } = await api.call('POST', `${home}/services`, {
    metadata: { name: 'order' },
    spec: { ports: [{ port: 80 }] },
  });
  assert.deepEqual(Object.keys(body.spec), [
    'ports',
    'clusterIP',
    'clusterIPs',
    'type',
    'sessionAffinity',
    'ipFamilies',
    'ipFamilyPolicy',
    'internalTrafficPolicy',
  ]);
});

test('fields that a write can not keep have the managers that upstream gives them', async () => {
  const sets = '/apis/apps/v1/namespaces/default';
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { selector: { matchLabels: { a: 'b' } }, template };
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1 } };
  const stateful = await api.call('POST', `${sets}/statefulsets`, {
    metadata: { name: 'a' },
    spec: { ...spec, serviceName: 's', updateStrategy },
  });
  const owned = ({ body }: { body: any }, at = 0) => body.metadata.managedFields[at].fieldsV1;
  assert.equal(stateful.body.spec.updateStrategy.rollingUpdate.maxUnavailable, undefined);
  assert.deepEqual(owned(stateful)['f:spec']['f:updateStrategy']['f:rollingUpdate']['f:maxUnavailable'], {});
  const daemon = await api.call('POST', `${sets}/daemonsets`, { metadata: { name: 'a' }, spec });
  assert.deepEqual(owned(daemon)['f:metadata'], {
    'f:annotations': { '.': {}, 'f:deprecated.daemonset.template.generation': {} },
  });
  await api.call('POST', `${home}/pods`, { metadata: { name: 'sized' }, spec: template.spec });
  const resized = await patch('merge', `${home}/pods/sized/resize`, { spec: { dnsPolicy: 'Default' } });
  assert.equal(resized.body.spec.dnsPolicy, 'ClusterFirst');
  assert.deepEqual(owned(resized, 1), { 'f:spec': { 'f:dnsPolicy': {} } });
});

test('a namespace that nobody has anything in waits for a second word, and answers with itself', async () => {
  const namespaces = '/api/v1/namespaces';
  await api.call('POST', namespaces, { metadata: { name: 'empty' } });
  await api.call('PUT', `${namespaces}/empty/finalize`, { metadata: { name: 'empty' }, spec: {} });
  const other = await api.call('DELETE', `${namespaces}/empty`, { preconditions: { uid: 'x' } });
  assert.match(other.body.message, /on namespaces "empty": Precondition failed: UID in precondition: x, UID in object/);
  for (const left of [200, 404]) {
    const { body } = await api.call('DELETE', `${namespaces}/empty`);
    assert.equal(body.kind, 'Namespace');
    assert.equal(body.status.phase, 'Terminating');
    assert.equal((await api.call('GET', `${namespaces}/empty`)).status, left);
  }
});

test('a page of a version is of that very version; what can not be shown is told after what is not there', async () => {
  const maps = `${home}/configmaps`;
  const first = await api.call('POST', maps, { metadata: { name: 'page-1', labels: { page: 'x' } } });
  await api.call('POST', maps, { metadata: { name: 'page-2', labels: { page: 'x' } } });
  const { resourceVersion } = first.body.metadata;
  const page = await api.call('GET', `${maps}?limit=5&labelSelector=page&resourceVersion=${resourceVersion}`);
  assert.equal(page.body.metadata.resourceVersion, resourceVersion);
  assert.deepEqual(
    page.body.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
    ['page-1'],
  );
  const accept = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
  assert.equal((await api.call('GET', `${maps}/nowhere`, undefined, { accept })).status, 404);
  assert.equal((await api.call('GET', `${maps}/page-1`, undefined, { accept })).status, 406);
  const unreadable = await api.call('GET', `${maps}?resourceVersionMatch=Exact&labelSelector=a+in+(`);
  assert.match(unreadable.body.message, /^unable to parse requirement/);
  const forbidden = await api.call('GET', `${maps}?sendInitialEvents=`);
  assert.match(forbidden.body.message, /sendInitialEvents is forbidden for list/);
  const token = (start: string) =>
    Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 5, start })).toString('base64url');
  const upward = await api.call('GET', `${maps}?continue=${token('../a')}`);
  assert.match(upward.body.message, /continue key is not valid: \.\.\/a$/);
});
