import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LimitRange, Pod } from '../../../generated/core-v1.ts';
import { namespaceBounds, podResources } from './pod-resources.ts';
import type { VerticalPodAutoscaler } from './types.ts';

const container = (name: string, requests: object, limits: object) => ({ name, resources: { requests, limits } });
const pod = {
  metadata: { name: 'p' },
  spec: {
    containers: [
      container('a', { cpu: '100m', memory: '100Mi' }, { cpu: '200m', memory: '200Mi' }),
      container('b', { cpu: '100m', memory: '100Mi' }, { cpu: '200m', memory: '200Mi' }),
    ],
  },
} as unknown as Pod;

function requestsWithin(limits: object, ...targets: { cpu: string; memory: string }[]) {
  const ranges = [{ metadata: { name: 'r' }, spec: { limits: [{ type: 'Pod', ...limits }] } } as LimitRange];
  const containerRecommendations = targets.map((target, at) => ({ containerName: 'ab'[at]!, target }));
  const vpa = { metadata: { name: 'v' }, spec: {}, status: { recommendation: { containerRecommendations } } };
  const resources = podResources(vpa as unknown as VerticalPodAutoscaler, pod, namespaceBounds(ranges));
  return resources.map(({ requests }) => requests);
}

test('containers share what a namespace allows their pod, each in proportion to its recommendation', () => {
  const [a, b] = [
    { cpu: '300m', memory: '100Mi' },
    { cpu: '100m', memory: '100Mi' },
  ];
  // Limits are twice the requests: 800m together, of which 400m are allowed.
  assert.deepEqual(requestsWithin({ max: { cpu: '400m' } }, a, b), [
    { cpu: '150m', memory: '100Mi' },
    { cpu: '50m', memory: '100Mi' },
  ]);
  assert.deepEqual(requestsWithin({ min: { memory: '400Mi' } }, a, b), [
    { cpu: '300m', memory: '200Mi' },
    { cpu: '100m', memory: '200Mi' },
  ]);
  assert.deepEqual(requestsWithin({ min: { cpu: '100m' }, max: { cpu: '1', memory: '1Gi' } }, a, b), [a, b]);
});

test('a container without a recommendation takes its part with what it asks for', () => {
  const [a, b] = requestsWithin({ max: { cpu: '400m' } }, { cpu: '300m', memory: '100Mi' });
  assert.deepEqual([a?.['cpu'], b?.['cpu']], ['150m', '50m']);
});
