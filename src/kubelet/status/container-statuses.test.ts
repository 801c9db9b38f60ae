import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, PodStatus } from '../../../generated/core-v1.ts';
import type { ContainerRecord } from '../pods/runtime-tracker.ts';
import { containerStatuses } from './container-statuses.ts';
import { podStatus } from './pod-status.ts';

const pod = (init: Partial<Container>): Pod => ({
  metadata: { name: 'p', uid: 'u' },
  spec: { containers: [{ name: 'main' }], initContainers: [{ name: 'first', ...init }] },
});

const statusOf = (init: Partial<Container>, state: string) =>
  containerStatuses({
    pod: pod(init),
    runtime: {
      sandboxes: [],
      containers: [{ id: 'c', name: 'first', state, startedAtMs: 1, restartCount: 0 } as ContainerRecord],
    },
    runtimeName: 'containerd',
    failures: new Map(),
    probes: { isReady: () => true, isStarted: () => true },
    isTerminal: false,
  }).initContainerStatuses[0]!;

for (const { name, init, state, ready } of [
  { name: 'is not ready while it runs', init: {}, state: 'CONTAINER_RUNNING', ready: false },
  {
    name: 'is ready while it runs when it stays',
    init: { restartPolicy: 'Always' },
    state: 'CONTAINER_RUNNING',
    ready: true,
  },
] as const)
  test(`an init container ${name}`, () => assert.equal(statusOf(init, state).ready, ready));

test('a container that is made and not started says what it waits for', () => {
  assert.deepEqual(statusOf({}, 'CONTAINER_CREATED').state, { waiting: { reason: 'PodInitializing' } });
});

test('a container that is ended for another program to take its place has not ended, whatever the policy', () => {
  const record = { id: 'c', name: 'main', state: 'CONTAINER_EXITED', exitCode: 137, finishedAtMs: 2, startedAtMs: 1 };
  const input = {
    pod: {
      metadata: { name: 'p', uid: 'u' },
      spec: { restartPolicy: 'Never' as const, containers: [{ name: 'main' }] },
    },
    runtime: { sandboxes: [], containers: [record as ContainerRecord] },
    runtimeName: 'containerd',
    failures: new Map(),
    probes: { isReady: () => true, isStarted: () => true },
    isTerminal: false,
    isToRestart: (id: string) => id === 'c',
    nowMs: 3,
    hostIPs: [],
    startedAtMs: 1,
  };
  const {
    phase,
    containerStatuses: [status],
  } = podStatus(input) as Required<PodStatus>;
  assert.equal(phase, 'Running');
  assert.deepEqual(status!.state, { waiting: { reason: 'ContainerCreating' } });
  assert.equal(status!.lastState?.terminated?.exitCode, 137);
  assert.equal(podStatus({ ...input, isToRestart: () => false }).phase, 'Failed');
});
