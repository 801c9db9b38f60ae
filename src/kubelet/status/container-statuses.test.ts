import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod } from '../../../generated/core-v1.ts';
import type { ContainerRecord } from '../pods/runtime-tracker.ts';
import { containerStatuses } from './container-statuses.ts';

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
