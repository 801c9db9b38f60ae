import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, PodSpec, ResourceRequirements } from '../../generated/core-v1.ts';
import {
  type CpuLimits,
  containerLinuxResources,
  cpuQuota,
  cpuShares,
  oomScoreAdjust,
  podLinuxResources,
  qosClassOf,
  quantityValue,
} from './resources.ts';

const spec = (...resources: ResourceRequirements[]): PodSpec => ({
  containers: resources.map((each, index) => ({ name: `c${index}`, resources: each })),
});
const full = { cpu: '1', memory: '1Gi' };

for (const { text, want } of [
  { text: '100m', want: 0.1 },
  { text: '1.5Gi', want: 1.5 * 2 ** 30 },
  { text: '2k', want: 2000 },
  { text: '1e3', want: 1000 },
  { text: '5E', want: 5e18 },
])
  test(`quantityValue of ${text}`, () => assert.equal(quantityValue(text), want));

for (const { name, pod, want } of [
  { name: 'nothing asked for', pod: spec({}), want: 'BestEffort' },
  { name: 'a request', pod: spec({ requests: { cpu: '100m' } }), want: 'Burstable' },
  { name: 'limits alone', pod: spec({ limits: full }), want: 'Guaranteed' },
  { name: 'equal requests and limits', pod: spec({ limits: full, requests: full }), want: 'Guaranteed' },
  { name: 'a lower request', pod: spec({ limits: full, requests: { cpu: '500m' } }), want: 'Burstable' },
  { name: 'one container without', pod: spec({ limits: full }, {}), want: 'Burstable' },
])
  test(`qosClassOf ${name} is ${want}`, () => assert.equal(qosClassOf(pod), want));

test('who asked for memory is killed later, and a sidecar no sooner than those it serves', () => {
  const asking = (name: string, memory: string, rest = {}) => ({ name, resources: { requests: { memory } }, ...rest });
  const score = (pod: PodSpec, container: Container) =>
    oomScoreAdjust({ metadata: { name: 'p' }, spec: pod }, container, 2 ** 30);
  const sidecar = asking('s', '64Mi', { restartPolicy: 'Always' });
  const [small, large] = [asking('a', '256Mi'), asking('b', '512Mi')];
  const plain = { initContainers: [sidecar], containers: [small, large] };
  assert.deepEqual(
    [small, large, sidecar].map((each) => score(plain, each)),
    [750, 500, 750],
  );
  // What the pod asks for beyond its containers, 192Mi, is theirs in equal parts.
  const whole = { ...plain, resources: { requests: { memory: '1Gi' } } };
  assert.deepEqual(
    [small, large, sidecar].map((each) => score(whole, each)),
    [688, 438, 688],
  );
});

test('shares and quota have their smallest values', () => {
  assert.deepEqual([cpuShares(0), cpuShares(1), cpuShares(1000)], [2, 2, 1024]);
  assert.deepEqual([cpuQuota(0), cpuQuota(1), cpuQuota(500)], [0, 1000, 50_000]);
});

test('a pod is limited only where each of its containers is', () => {
  assert.deepEqual(
    podLinuxResources(spec({ limits: full }, { limits: { memory: '1Gi' }, requests: { cpu: '500m' } })),
    {
      cpuShares: 1536,
      memoryLimitInBytes: 2 ** 31,
    },
  );
});

test('a runtime class adds its overhead to the group of its pods, and limits what was not limited no more', () => {
  const overhead = { cpu: '250m', memory: '64Mi' };
  assert.deepEqual(podLinuxResources({ ...spec({ limits: full }), overhead }), {
    cpuShares: 1280,
    cpuPeriod: 100_000,
    cpuQuota: 125_000,
    memoryLimitInBytes: 2 ** 30 + 2 ** 26,
  });
  assert.deepEqual(podLinuxResources({ ...spec({ requests: { cpu: '1' } }), overhead }), { cpuShares: 1280 });
});

test('a limit of CPU holds in periods of the length the node was told, or not at all', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: spec({ limits: full }) } as Pod;
  const given = (cpuLimits: CpuLimits) => {
    const { cpuPeriod, cpuQuota } = containerLinuxResources(pod, pod.spec.containers[0]!, {
      memoryCapacityBytes: 2 ** 34,
      cpuLimits,
    });
    return [cpuPeriod, cpuQuota];
  };
  assert.deepEqual(given({ isHeld: true, periodMicros: 20_000 }), [20_000, 20_000]);
  assert.deepEqual(given({ isHeld: false, periodMicros: 20_000 }), [20_000, -1]);
});
