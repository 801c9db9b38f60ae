import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { rejectionOf } from './admission.ts';

const node = { nodeName: 'n', allocatable: { cpu: '2', memory: '1Gi', pods: '3' } };
const pod = (container: Partial<Container> = {}, spec: object = {}): Pod => ({
  metadata: { name: 'p', uid: 'u' },
  spec: { containers: [{ name: 'main', ...container }], ...spec },
});
const asking = (requests: Record<string, string>) => pod({ resources: { requests } });
const listening = (hostPort: number, hostIP = '', protocol: 'TCP' | 'UDP' = 'TCP') =>
  pod({ ports: [{ containerPort: 80, hostPort, hostIP, protocol }] });

for (const { name, want, others, reason } of [
  { name: 'takes a pod that asks for nothing', want: pod(), others: [] },
  { name: 'takes what just fits', want: asking({ cpu: '500m' }), others: [asking({ cpu: '1500m' })] },
  {
    name: 'refuses more than is left',
    want: asking({ cpu: '501m' }),
    others: [asking({ cpu: '1500m' })],
    reason: 'OutOfcpu',
  },
  { name: 'refuses one pod too many', want: pod(), others: [pod(), pod(), pod()], reason: 'OutOfpods' },
  { name: 'leaves resources it does not know to others', want: asking({ 'example.com/gpu': '9' }), others: [] },
  { name: 'refuses a port that is taken', want: listening(80), others: [listening(80)], reason: 'NodePorts' },
  { name: 'takes the same port of another protocol', want: listening(80), others: [listening(80, '', 'UDP')] },
  {
    name: 'takes the same port of another address',
    want: listening(80, '10.0.0.1'),
    others: [listening(80, '10.0.0.2')],
  },
  {
    name: 'refuses another system',
    want: pod({}, { os: { name: 'windows' } }),
    others: [],
    reason: 'PodOSNotSupported',
  },
])
  test(`rejectionOf ${name}`, () => assert.equal(rejectionOf(want, others, node)?.reason, reason));

test('rejectionOf names amounts as upstream does', () => {
  const { message } = rejectionOf(asking({ cpu: '1' }), [asking({ cpu: '1500m' })], node)!;
  assert.equal(message, "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000");
});
