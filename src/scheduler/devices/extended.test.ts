import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import type { DeviceClass } from '../../../generated/resource-v1.ts';
import type { NodeView } from '../node-cache.ts';
import { draftClaim, extendedResourcesOf, ResourceClasses, resourcesFromDevices } from './extended.ts';

const aClass = (name: string, extendedResourceName?: string, creationTimestamp = '2030-01-01T00:00:00Z') =>
  ({ metadata: { name, creationTimestamp }, spec: { extendedResourceName } }) as unknown as DeviceClass;
const container = (name: string, gpus: number, more = {}) => ({
  name,
  image: 'i',
  resources: { requests: { cpu: '1', ...(gpus ? { 'example.com/gpu': String(gpus) } : {}) } },
  ...more,
});
const aPod = (containers: object[], initContainers: object[] = []) =>
  ({ metadata: { name: 'p', namespace: 'n', uid: 'u' }, spec: { containers, initContainers } }) as unknown as Pod;
const classes = new ResourceClasses(() => [aClass('gpu', 'example.com/gpu')]);

test('of two classes for one resource the youngest counts; each class stands for a resource of its own name', () => {
  const several = new ResourceClasses(() => [
    aClass('old', 'example.com/gpu'),
    aClass('new', 'example.com/gpu', '2031-01-01T00:00:00Z'),
  ]);
  assert.equal(several.find('example.com/gpu')?.metadata.name, 'new');
  assert.equal(several.find('deviceclass.resource.kubernetes.io/old')?.metadata.name, 'old');
});

test('what a node has itself needs no devices', () => {
  const resources = extendedResourcesOf(aPod([container('c', 1)]), classes);
  assert.deepEqual(resources, ['example.com/gpu']);
  const node = (gpus: string) =>
    ({ node: { status: { allocatable: { 'example.com/gpu': gpus } } } }) as unknown as NodeView;
  assert.deepEqual(resourcesFromDevices(resources, node('2')), []);
  assert.deepEqual(resourcesFromDevices(resources, node('0')), ['example.com/gpu']);
});

test('containers have requests of their own; init containers use those of later ones and share what goes beyond', () => {
  const pod = aPod(
    [container('a', 1), container('none', 0), container('b', 2)],
    [container('i', 4), container('j', 5)],
  );
  const { claim, mappings } = draftClaim(pod, ['example.com/gpu'], classes);
  const counts = claim.spec.devices!.requests!.map(({ name, exactly }) => [name, exactly!.count]);
  assert.deepEqual(counts, [
    ['container-1-request-1', 2],
    ['container-2-request-1', 1],
    ['container-4-request-1', 2],
  ]);
  const uses = mappings.map(({ containerName, requestName }) => `${containerName} ${requestName.split('-')[1]}`);
  assert.deepEqual(uses, ['a 2', 'b 4', 'i 2', 'i 4', 'i 1', 'j 2', 'j 4', 'j 1']);
});
