import assert from 'node:assert/strict';
import { test } from 'node:test';
import { serve } from '../testing/serve.ts';

const pods = '/api/v1/namespaces/default/pods';
type Amounts = Record<string, string>;
const resources = (requests: Amounts, limits: Amounts) => ({ requests, limits });

/** A pod with resources of its own, a sidecar and an ordinary init container. */
function aPod(name: string, ofPod?: object) {
  const container = (own: object) => ({ image: 'i', resources: resources({ cpu: '1' }, { cpu: '2' }), ...own });
  return {
    metadata: { name },
    spec: {
      ...(ofPod ? { resources: ofPod } : {}),
      containers: [container({ name: 'app' })],
      initContainers: [container({ name: 'first' }), container({ name: 'beside', restartPolicy: 'Always' })],
    },
  };
}

test('a resize changes cpu and memory of the pod and of each of its containers, and nothing else', async () => {
  await using api = await serve();
  const resize = async (name: string, change: (spec: any) => void) => {
    const { body } = await api.call('GET', `${pods}/${name}`);
    change(body.spec);
    return api.call('PUT', `${pods}/${name}/resize`, body);
  };
  const created = await api.call('POST', pods, aPod('a', resources({ cpu: '3' }, { cpu: '4' })));
  assert.equal(created.status, 201, created.body.message);
  const done = await resize('a', (spec) => {
    spec.resources = resources({ cpu: '2', memory: '1Gi' }, { cpu: '5', memory: '2Gi' });
    spec.containers[0].resources.requests.cpu = '500m';
    spec.containers[0].image = 'other';
    for (const container of spec.initContainers) container.resources.limits.cpu = '1500m';
  });
  assert.equal(done.status, 200, done.body.message);
  assert.deepEqual(done.body.spec.resources, {
    limits: { cpu: '5', memory: '2Gi' },
    requests: { cpu: '2', memory: '1Gi' },
  });
  assert.equal(done.body.spec.containers[0].resources.requests.cpu, '500m');
  assert.equal(done.body.spec.containers[0].image, 'i');
  assert.equal(done.body.metadata.generation, 2);

  assert.equal((await api.call('POST', pods, aPod('b'))).status, 201);
  for (const { name = 'a', change, want } of [
    {
      change: (spec: any) => delete spec.resources,
      want: 'spec.resources: Forbidden: pod-level resources cannot be removed',
    },
    {
      change: (spec: any) => delete spec.resources.limits.memory,
      want: 'spec.resources.limits: Forbidden: pod-level resource limits cannot be removed',
    },
    {
      change: (spec: any) => {
        spec.resources.requests['hugepages-2Mi'] = spec.resources.limits['hugepages-2Mi'] = '2Mi';
      },
      want: 'spec: Forbidden: only cpu and memory resources are mutable at pod-level',
    },
    {
      change: (spec: any) => spec.containers.push({ ...spec.containers[0], name: 'more' }),
      want: 'spec.containers: Forbidden: containers may not be added or removed on resize',
    },
    {
      change: (spec: any) => {
        spec.initContainers[0].name = 'other';
      },
      want: 'spec.initContainers[0].name: Forbidden: initContainers may not be renamed or reordered on resize',
    },
    {
      name: 'b',
      change: (spec: any) => delete spec.containers[0].resources.limits,
      want: 'spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed',
    },
    {
      name: 'b',
      change: (spec: any) => {
        spec.containers[0].resources.requests['ephemeral-storage'] = '1Gi';
      },
      want: 'spec: Forbidden: only cpu and memory resources are mutable',
    },
    {
      name: 'b',
      change: (spec: any) => {
        spec.initContainers[1].resources.requests['ephemeral-storage'] = '1Gi';
      },
      want: 'spec.initContainers[1]: Forbidden: only cpu and memory resources for init or sidecar containers are mutable',
    },
  ]) {
    const refused = await resize(name, change);
    assert.equal(refused.status, 422, want);
    assert.equal(refused.body.message, `Pod "${name}" is invalid: ${want}`);
  }
});
