import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodCondition, ResourceRequirements } from '../../../generated/core-v1.ts';
import type { ResizeProblem } from './admission.ts';
import type { PodServices } from './pod-services.ts';
import { PodResize } from './resize.ts';
import type { ContainerRecord } from './runtime-tracker.ts';

const requests = (cpu: string): ResourceRequirements => ({ requests: { cpu, memory: '10Mi' } });

function podWith(generation: number, cpu: string, conditions: PodCondition[] = []): Pod {
  return {
    metadata: { name: 'p', namespace: 'default', uid: 'u', generation },
    spec: { containers: [{ name: 'c', image: 'i', resources: requests(cpu) }] },
    status: { phase: 'Running', conditions },
  } as Pod;
}

const running = [{ id: '1', name: 'c', state: 'CONTAINER_RUNNING' }] as ContainerRecord[];

/** A node whose runtime refuses while `fault` says why. */
function aNode() {
  const node = {
    fault: undefined as string | undefined,
    problem: undefined as ResizeProblem | undefined,
    told: [] as string[],
  };
  const services = {
    clock: { now: () => Date.UTC(2030, 0, 1) },
    events: {
      pod: (_: Pod, type: string, reason: string, message: string) => {
        const { generation, error } = JSON.parse(message.slice(message.indexOf('{')));
        node.told.push([type, reason, generation, ...(error ? [error] : [])].join(' '));
      },
    },
    cgroups: { ensurePod: async () => {} },
    runtime: {
      updateContainerResources: async () => {
        if (node.fault) throw new Error(node.fault);
      },
    },
  } as unknown as PodServices;
  return { node, resizeOf: (pod: Pod) => new PodResize(services, pod, () => node.problem) };
}

const lastProbeTime = '2030-01-01T00:00:00Z';

test('a resize that failed and a later one that waits for room are told side by side, each of its own generation', async () => {
  const { node, resizeOf } = aNode();
  const first = podWith(1, '100m');
  const resize = resizeOf(first);
  await resize.apply(first, running);

  node.fault = 'no such file';
  const second = podWith(2, '200m');
  resize.wish(second);
  await resize.apply(resize.allowed(second), running);
  await resize.apply(resize.allowed(second), running);

  node.problem = { reason: 'Deferred', message: 'Node did not have enough resource' };
  const third = podWith(3, '300m');
  resize.wish(third);
  resize.wish(third);
  const pending = { type: 'PodResizePending', ...node.problem, observedGeneration: 3, lastProbeTime };
  const progress = { type: 'PodResizeInProgress', reason: 'Error', message: 'no such file' };
  assert.deepEqual(resize.conditions, [pending, { ...progress, observedGeneration: 2, lastProbeTime }]);

  node.fault = undefined;
  await resize.apply(resize.allowed(third), running);
  assert.deepEqual(resize.conditions, [pending]);

  node.problem = undefined;
  resize.wish(third);
  await resize.apply(resize.allowed(third), running);
  assert.deepEqual(resize.conditions, []);
  assert.deepEqual(node.told, [
    'Normal ResizeStarted 2',
    'Warning ResizeError 2 no such file',
    'Warning ResizeDeferred 3 Node did not have enough resource',
    'Normal ResizeCompleted 2',
    'Normal ResizeStarted 3',
    'Normal ResizeCompleted 3',
  ]);
});

test('an agent that starts again takes up a resize where it stands, and tells no event twice', async () => {
  const { node, resizeOf } = aNode();
  node.problem = { reason: 'Infeasible', message: 'too much' };
  const pod = podWith(3, '300m', [
    { type: 'PodResizePending', status: 'True', ...node.problem, observedGeneration: 3 },
    { type: 'PodResizeInProgress', status: 'True', observedGeneration: 2 },
  ]);
  pod.status!.containerStatuses = [
    {
      name: 'c',
      state: { running: {} },
      allocatedResources: { cpu: '200m', memory: '10Mi' },
      containerID: 'containerd://1',
      resources: requests('100m'),
    } as never,
  ];
  const resize = resizeOf(pod);
  resize.wish(pod);
  assert.deepEqual(
    resize.conditions.map(({ type, observedGeneration }) => [type, observedGeneration]),
    [
      ['PodResizePending', 3],
      ['PodResizeInProgress', 2],
    ],
  );
  await resize.apply(resize.allowed(pod), running);
  assert.deepEqual(node.told, ['Normal ResizeCompleted 2']);
});
