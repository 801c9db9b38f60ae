import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodSpec } from '../../../generated/core-v1.ts';
import { podResourceStatus } from './pod-resources.ts';

const pod = (spec: Partial<PodSpec>) => ({ spec: { containers: [], ...spec } }) as unknown as Pod;
const limited = { name: 'a', resources: { limits: { memory: '1Gi' }, requests: { cpu: '100m', memory: '1Gi' } } };

test('a pod that asks for nothing was given nothing', () =>
  assert.deepEqual(podResourceStatus(pod({ containers: [{ name: 'a' }] }), 'Running'), { resources: {} }));

test('a running pod has limits where all of its containers have, or it has one itself', () => {
  const two = { containers: [limited, { name: 'b' }] };
  const requests = { cpu: '100m', memory: '1Gi' };
  const { allocatedResources, resources } = podResourceStatus(pod(two), 'Running');
  assert.deepEqual([allocatedResources, resources], [requests, { requests }]);
  const whole = { ...two, resources: { limits: { cpu: '1' }, requests: { cpu: '500m' } } };
  assert.deepEqual(podResourceStatus(pod(whole), 'Running').resources, {
    requests: { cpu: '500m', memory: '1Gi' },
    limits: { cpu: '1' },
  });
});

test('of a pod that does not run yet the sums are told', () =>
  assert.deepEqual(podResourceStatus(pod({ containers: [limited, { name: 'b' }] }), 'Pending').resources, {
    limits: { memory: '1Gi' },
    requests: { cpu: '100m', memory: '1Gi' },
  }));
