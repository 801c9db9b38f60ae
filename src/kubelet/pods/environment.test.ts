import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, Service } from '../../../generated/core-v1.ts';
import { ConfigError, containerEnvironment } from './environment.ts';
import { expandVariables } from './expand.ts';
import { serviceEnvironment } from './service-env.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const objects = {
  configMap: async (_: string, name: string) =>
    name === 'cm' ? { metadata: { name }, data: { color: 'blue', 'odd-key': 'x' } } : undefined,
  secret: async (_: string, name: string) =>
    name === 'sec' ? { metadata: { name }, data: { word: base64('hush') } } : undefined,
};
const facts = { nodeName: 'node', hostIPs: ['1.1.1.1'], podIPs: ['2.2.2.2'], allocatable: { memory: '1Gi', cpu: '2' } };

function environment(container: Partial<Container>, services: Service[] = []): Promise<Map<string, string>> {
  const whole: Container = { name: 'c', resources: { limits: { cpu: '250m' } }, ...container };
  const pod: Pod = {
    metadata: { name: 'p', namespace: 'ns', uid: 'u', labels: { app: 'x' } },
    spec: { containers: [whole] },
  };
  return containerEnvironment({ pod, container: whole, services, facts, objects });
}

for (const { text, want } of [
  { text: '$(A)', want: '1' },
  { text: '$(B)', want: '$(B)' },
  { text: '$$(A)', want: '$(A)' },
  { text: '$$$(A)', want: '$1' },
  { text: '$A $(A', want: '$A $(A' },
  { text: '$(C)', want: '$(A)' },
])
  test(`expandVariables makes ${want} of ${text}`, () =>
    assert.equal(
      expandVariables(text, (name) => ({ A: '1', C: '$(A)' })[name]),
      want,
    ));

test('an environment takes what its sources have, and later names win', async () => {
  const found = await environment({
    envFrom: [{ configMapRef: { name: 'cm' } }, { prefix: 'S_', secretRef: { name: 'sec' } }],
    env: [
      { name: 'color', value: 'green' },
      { name: 'both', value: '$(color) $(S_word)' },
    ],
  });
  assert.deepEqual(Object.fromEntries(found), { color: 'green', 'odd-key': 'x', S_word: 'hush', both: 'green hush' });
});

test('an environment knows the pod, its node and its resources', async () => {
  const env = [
    { name: 'ip', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    { name: 'app', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
    { name: 'cpu', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
    { name: 'cores', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
    { name: 'memory', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
  ];
  const found = await environment({ env });
  assert.deepEqual(Object.fromEntries(found), { ip: '2.2.2.2', app: 'x', cpu: '250', cores: '1', memory: '1024' });
});

for (const { name, valueFrom, message } of [
  { name: 'map', valueFrom: { configMapKeyRef: { name: 'none', key: 'k' } }, message: 'configmap "none" not found' },
  {
    name: 'key',
    valueFrom: { configMapKeyRef: { name: 'cm', key: 'k' } },
    message: "couldn't find key k in ConfigMap ns/cm",
  },
  { name: 'secret', valueFrom: { secretKeyRef: { name: 'none', key: 'k' } }, message: 'secret "none" not found' },
])
  test(`a missing ${name} is the pod's mistake, unless it is optional`, async () => {
    await assert.rejects(
      environment({ env: [{ name: 'X', valueFrom }] }),
      (error) => error instanceof ConfigError && error.message === message,
    );
    const [kind, reference] = Object.entries(valueFrom)[0]!;
    const optional = { [kind]: { ...(reference as object), optional: true } };
    assert.equal((await environment({ env: [{ name: 'X', valueFrom: optional }] })).size, 0);
  });

test('service links have the names of docker, and only of usable services of the namespace', () => {
  const service = (name: string, namespace: string, clusterIP: string): Service => ({
    metadata: { name, namespace },
    spec: { clusterIP, ports: [{ port: 80, name: 'http' }] },
  });
  const services = [
    service('my-db', 'ns', '10.0.0.1'),
    service('other', 'elsewhere', '10.0.0.2'),
    service('headless', 'ns', 'None'),
    service('kubernetes', 'default', '10.96.0.1'),
  ];
  const found = serviceEnvironment(services, 'ns', true);
  assert.equal(found.get('MY_DB_SERVICE_HOST'), '10.0.0.1');
  assert.equal(found.get('MY_DB_SERVICE_PORT_HTTP'), '80');
  assert.equal(found.get('MY_DB_PORT_80_TCP_ADDR'), '10.0.0.1');
  assert.equal(found.get('MY_DB_PORT'), 'tcp://10.0.0.1:80');
  assert.equal(found.get('KUBERNETES_SERVICE_HOST'), '10.96.0.1');
  assert.ok(![...found.keys()].some((key) => /^(OTHER|HEADLESS)/.test(key)));
  assert.deepEqual(
    [...serviceEnvironment(services, 'ns', false).keys()].filter((key) => !key.startsWith('KUBERNETES')),
    [],
  );
});
