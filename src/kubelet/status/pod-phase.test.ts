import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, ContainerStatus, Pod, PodSpec } from '../../../generated/core-v1.ts';
import { podPhase } from './pod-phase.ts';

/** `a running`, `a exited 3`, `a waiting`, `a waiting-after 1`. */
function status(text: string): ContainerStatus {
  const [name = '', state, code = '0'] = text.split(' ');
  const terminated = { exitCode: Number(code) };
  const states = {
    running: { state: { running: {} } },
    exited: { state: { terminated } },
    waiting: { state: { waiting: {} } },
    'waiting-after': { state: { waiting: {} }, lastState: { terminated } },
  };
  return { name, ready: false, restartCount: 0, image: '', imageID: '', ...states[state as keyof typeof states] };
}

const names = (list: string[]): Container[] => list.map((name) => ({ name }));

for (const { says, policy = 'Always', apps = ['a'], init = [], statuses, want, terminal = false, begun = true } of [
  { says: 'nothing has begun', statuses: ['a waiting'], want: 'Pending', begun: false },
  { says: 'all run', apps: ['a', 'b'], statuses: ['a running', 'b running'], want: 'Running' },
  { says: 'one still waits', apps: ['a', 'b'], statuses: ['a running', 'b waiting'], want: 'Pending' },
  {
    says: 'one waits for its restart',
    apps: ['a', 'b'],
    statuses: ['a running', 'b waiting-after 1'],
    want: 'Running',
  },
  { says: 'one ended and will restart', statuses: ['a exited 1'], want: 'Running' },
  { says: 'an init container runs', init: ['i'], statuses: ['i running', 'a waiting'], want: 'Pending', begun: false },
  {
    says: 'an init container failed for good',
    policy: 'Never',
    init: ['i'],
    statuses: ['i exited 1', 'a waiting'],
    want: 'Failed',
    begun: false,
  },
  {
    says: 'an init container will be repeated',
    init: ['i'],
    statuses: ['i waiting-after 1', 'a waiting'],
    want: 'Pending',
    begun: false,
  },
  {
    says: 'all succeeded',
    policy: 'OnFailure',
    apps: ['a', 'b'],
    statuses: ['a exited 0', 'b exited 0'],
    want: 'Succeeded',
  },
  {
    says: 'one failed for good',
    policy: 'Never',
    apps: ['a', 'b'],
    statuses: ['a exited 0', 'b exited 2'],
    want: 'Failed',
  },
  { says: 'one failed and is tried again', policy: 'OnFailure', statuses: ['a exited 2'], want: 'Running' },
  { says: 'it was stopped and ended well', statuses: ['a exited 0'], terminal: true, want: 'Succeeded' },
  { says: 'it was stopped and killed', statuses: ['a exited 137'], terminal: true, want: 'Failed' },
] as {
  says: string;
  policy?: string;
  apps?: string[];
  init?: string[];
  statuses: string[];
  want: string;
  terminal?: boolean;
  begun?: boolean;
}[])
  test(`podPhase is ${want} when ${says}`, () => {
    const spec = { containers: names(apps), initContainers: names(init), restartPolicy: policy } as PodSpec;
    const pod: Pod = { metadata: { name: 'p' }, spec };
    assert.equal(podPhase({ pod, statuses: statuses.map(status), isTerminal: terminal, hasInitialized: begun }), want);
  });
