import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildResources } from './build-resources.ts';
import { kindDefinitions } from './kinds.ts';
import { FieldErrors } from './meta/field-errors.ts';

const resources = buildResources(kindDefinitions);
const find = (group: string, version: string, plural: string) => {
  const found = resources.find((each) => each.group === group && each.version === version && each.plural === plural);
  assert.ok(found, `${group}/${version} ${plural} is served`);
  return found;
};

test('every resource that upstream serves by default is served, each once', () => {
  const keys = resources.map(({ group, version, plural }) => `${group}/${version}/${plural}`);
  assert.equal(new Set(keys).size, keys.length);
  assert.ok(keys.length >= 68);
});

test('every definition is one of a resource that is served in its storage version', () => {
  for (const { group, version, kind } of kindDefinitions) {
    const isServed = resources.some((each) => each.group === group && each.version === version && each.kind === kind);
    assert.ok(isServed, `${group}/${version} ${kind}`);
  }
});

test('without old versions only the defaults are left', () => {
  const few = buildResources(kindDefinitions, { servesOldVersions: false });
  assert.ok(!few.some(({ group }) => group === 'extensions'));
  assert.ok(few.some(({ group, version }) => group === 'autoscaling' && version === 'v1'));
});

test('an Ingress of 2016 is kept as one of today and reads back as it was written', () => {
  const old = find('extensions', 'v1beta1', 'ingresses');
  assert.match(old.deprecationWarning ?? '', /use networking.k8s.io\/v1 Ingress$/);
  const spec = { backend: { serviceName: 'web', servicePort: 80 } };
  const ingress = { apiVersion: 'extensions/v1beta1', kind: 'Ingress', metadata: { name: 'web' }, spec };
  const stored: any = old.toStorage(structuredClone(ingress) as never);
  assert.deepEqual(stored.spec.defaultBackend, { service: { name: 'web', port: { number: 80 } } });
  assert.equal(stored.apiVersion, 'networking.k8s.io/v1');
  assert.deepEqual((old.fromStorage(stored) as any).spec, spec);
});

test('an event is one object in two groups, and both groups select it by their own labels', () => {
  const resource = find('events.k8s.io', 'v1', 'events');
  const event = {
    metadata: { name: 'web.1', namespace: 'a' },
    regarding: { kind: 'Pod', name: 'web' },
    note: 'started',
  };
  const stored: any = resource.toStorage(structuredClone(event) as never);
  assert.equal(stored.message, 'started');
  assert.equal(resource.storage.group, '');
  const labels = resource.fieldLabels(stored);
  assert.equal(labels['regarding.name'], 'web');
  assert.equal(labels['involvedObject.name'], 'web');
});

test('autoscaling/v1 keeps what it cannot say in annotations', () => {
  const resource = find('autoscaling', 'v1', 'horizontalpodautoscalers');
  const memory = {
    type: 'Resource',
    resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } },
  };
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };
  const spec = {
    scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' },
    minReplicas: 1,
    maxReplicas: 3,
  };
  const stored = { metadata: { name: 'web' }, spec: { ...spec, metrics: [cpu, memory] } };
  const seen: any = resource.fromStorage(structuredClone(stored) as never);
  assert.equal(seen.spec.targetCPUUtilizationPercentage, 50);
  assert.deepEqual(seen.metadata.annotations, {
    'autoscaling.alpha.kubernetes.io/metrics':
      '[{"type":"Resource","resource":{"name":"memory","targetAverageValue":"1Gi"}}]',
  });
  assert.deepEqual((resource.toStorage(seen) as any).spec.metrics, [memory, cpu]);
});

test('defaults are the same when applied twice', () => {
  for (const resource of resources) {
    const spec = {
      scaleTargetRef: {},
      rules: [],
      template: { spec: { containers: [] } },
      jobTemplate: { spec: { template: {} } },
    };
    const object: any = { metadata: { name: 'a', namespace: 'b' }, spec, roleRef: {}, webhooks: [] };
    try {
      resource.defaults(object);
    } catch {
      continue; // not an object of this kind: its decoder would have filled what is missing
    }
    const once = structuredClone(object);
    resource.defaults(object);
    assert.deepEqual(object, once, `${resource.group} ${resource.kind}`);
  }
});

test('an object is refused with all of its errors at once', () => {
  const { rules } = find('rbac.authorization.k8s.io', 'v1', 'roles');
  const errors = new FieldErrors();
  rules.validate?.({ metadata: { name: 'a' }, rules: [{ verbs: [] }] }, errors);
  assert.deepEqual(
    errors.list.map(({ field }) => field),
    ['rules[0].verbs', 'rules[0].apiGroups', 'rules[0].resources'],
  );
});
