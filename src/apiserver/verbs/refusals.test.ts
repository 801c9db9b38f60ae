import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../testing/serve.ts';

const services = '/api/v1/namespaces/default/services';

test('ports of a service with one number share a node port, and a taken one is told before anything else', async () => {
  await using api = await serve();
  const ports = [
    { name: 'udp', port: 53, protocol: 'UDP' },
    { name: 'tcp', port: 53, protocol: 'TCP' },
  ];
  const dns = await api.call('POST', services, { metadata: { name: 'dns' }, spec: { type: 'NodePort', ports } });
  const [udp, tcp] = dns.body.spec.ports;
  assert.equal(udp.nodePort, tcp.nodePort);
  const wrong = [{ port: 99_999, nodePort: udp.nodePort }];
  const taken = await api.call('POST', services, { metadata: { name: 'b' }, spec: { type: 'NodePort', ports: wrong } });
  assert.match(
    taken.body.message,
    /is invalid: spec.ports\[0\].nodePort: Invalid value: \d+: provided port is already/,
  );
  const outside = { metadata: { name: 'c' }, spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 1001 }] } };
  assert.equal((await api.call('POST', services, outside)).status, 422);
  // A dry run gives nothing out, so it does not look where ports come from.
  assert.equal((await api.call('POST', `${services}?dryRun=All`, outside)).body.spec.ports[0].nodePort, 1001);
});

test('a refusal quotes an empty list as the client gave it, and none where there was none', async () => {
  await using api = await serve();
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  const deployment = (metadata: object) => ({
    metadata: { name: 'a' },
    spec: {
      selector: { matchLabels: { app: 'a' } },
      template: { metadata, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  });
  const messages = ['{}', 'null'].map((shown) => `labels: Invalid value: ${shown}: \`selector\` does not match`);
  const given = await api.call('POST', deployments, deployment({ labels: {} }));
  assert.ok(given.body.message.includes(messages[0]), given.body.message);
  const absent = await api.call('POST', deployments, deployment({}));
  assert.ok(absent.body.message.includes(messages[1]), absent.body.message);
});

test('an update repeats what is wrong with metadata as often as upstream looks at it', async () => {
  await using api = await serve();
  const roles = '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles';
  const { body } = await api.call('POST', roles, { metadata: { name: 'a' }, rules: [] });
  body.metadata.annotations = { 'A b': 'x' };
  const refused = await api.call('PUT', `${roles}/a`, body);
  assert.deepEqual(
    refused.body.details.causes.map(({ field }: { field: string }) => field),
    Array.from({ length: 4 }, () => 'metadata.annotations'),
  );
});

test('an empty dryRun is refused, not taken for a write that counts', async () => {
  await using api = await serve();
  const configMaps = '/api/v1/namespaces/default/configmaps';
  const refused = await api.call('POST', `${configMaps}?dryRun=`, { metadata: { name: 'a' } });
  assert.equal(refused.status, 422);
  assert.equal((await api.call('GET', `${configMaps}/a`)).status, 404);
});

test('drivers of volume attributes are qualified names, and a pod metric has one problem at a time', async () => {
  await using api = await serve();
  const classes = '/apis/storage.k8s.io/v1/volumeattributesclasses';
  const create = (driverName: string) =>
    api.call('POST', classes, {
      metadata: { name: driverName.toLowerCase().replace('/', '.') },
      driverName,
      parameters: { a: 'b' },
    });
  assert.equal((await create('a.b/C')).status, 201);
  assert.match(
    (await create('X..y/up')).body.message,
    /driverName: Invalid value: "x..y\/up": prefix part a lowercase RFC/,
  );
  const target = { type: 'AverageValue', averageValue: '-1' };
  const refused = await api.call('POST', '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers', {
    metadata: { name: 'a' },
    spec: {
      maxReplicas: 2,
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'a' },
      metrics: [{ type: 'Pods', pods: { metric: { name: 'm' }, target } }],
    },
  });
  assert.match(refused.body.message, /averageValue: Invalid value: "-1": must be positive$/);
});

test('a patch that takes the name away is told so before its version is read', async () => {
  await using api = await serve();
  const configMaps = '/api/v1/namespaces/default/configmaps';
  await api.call('POST', configMaps, { metadata: { name: 'a' } });
  const merge = { 'content-type': 'application/merge-patch+json' };
  const patch = { metadata: { name: null, resourceVersion: 'x' } };
  const refused = await api.call('PATCH', `${configMaps}/a`, patch, merge);
  assert.equal(refused.status, 400);
  assert.match(refused.body.message, /^the name of the object \(a based on URL\) was undeterminable/);
});

test('a driver may name a node in 256 bytes', async () => {
  await using api = await serve();
  const create = async (name: string, nodeID: string) => {
    const drivers = [{ name: 'd.example.com', nodeID }];
    return (await api.call('POST', '/apis/storage.k8s.io/v1/csinodes', { metadata: { name }, spec: { drivers } }))
      .status;
  };
  assert.equal(await create('a', 'x'.repeat(256)), 201);
  assert.equal(await create('b', 'ä'.repeat(129)), 422);
});

test('who creates over an object that is being deleted is told so', async () => {
  await using api = await serve();
  const configMaps = '/api/v1/namespaces/default/configmaps';
  const object = { metadata: { name: 'a', finalizers: ['example.com/wait'] } };
  await api.call('POST', configMaps, object);
  const taken = 'configmaps "a" already exists';
  assert.equal((await api.call('POST', configMaps, object)).body.message, taken);
  await api.call('DELETE', `${configMaps}/a`);
  const refused = await api.call('POST', configMaps, object);
  assert.equal(refused.status, 409);
  assert.equal(refused.body.message, `object is being deleted: ${taken}`);
});

test('a device class is judged by the name that was made, not by what it was made of', async () => {
  await using api = await serve();
  const classes = '/apis/resource.k8s.io/v1/deviceclasses';
  const create = (metadata: object) => api.call('POST', classes, { metadata, spec: {} });
  assert.equal((await create({ name: 'a', generateName: 'A_' })).status, 201);
  const made = await create({ generateName: 'A_' });
  const fields = made.body.details.causes.map(({ field }: { field: string }) => field);
  assert.deepEqual(fields, ['metadata.name']);
  assert.equal((await create({ name: 'b', generateName: '/b' })).status, 422);
});

test('the time zone of a cron job is a name of the database, in its own letters', async () => {
  await using api = await serve();
  const cronJobs = '/apis/batch/v1/namespaces/default/cronjobs?dryRun=All';
  const create = (timeZone: string) => {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } };
    const spec = { schedule: '0 * * * *', timeZone, jobTemplate: { spec: { template } } };
    return api.call('POST', cronJobs, { metadata: { name: 'a' }, spec });
  };
  for (const zone of ['Europe/Berlin', 'Asia/Calcutta', 'Asia/Kolkata', 'US/Pacific', 'EST5EDT', 'UTC', 'Etc/GMT-14']) {
    assert.equal((await create(zone)).status, 201, zone);
  }
  for (const zone of ['europe/berlin', 'us/pacific', 'est5EDT', 'utc', 'Etc/GMT-15', '+01:00', 'JST']) {
    const { status, body } = await create(zone);
    assert.equal(status, 422, zone);
    const problem = `spec.timeZone: Invalid value: "${zone}": unknown time zone ${zone}`;
    assert.equal(body.message, `CronJob.batch "a" is invalid: ${problem}`);
  }
});
