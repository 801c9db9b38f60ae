import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, Pod, PodSpec } from '../../../generated/core-v1.ts';
import { type PodPlan, planPod } from './plan.ts';
import type { ContainerRecord, PodRuntime } from './runtime-tracker.ts';

const container = (name: string, more: Partial<Container> = {}): Container => ({ name, image: 'app', ...more });
const sidecar = (name: string): Container => container(name, { restartPolicy: 'Always' });

function pod(spec: Partial<PodSpec>): Pod {
  return {
    metadata: { name: 'p', namespace: 'n', uid: 'u' },
    spec: { containers: [container('a')], restartPolicy: 'Always', ...spec },
  };
}

/** `a:running`, `a:exited:3`; the newest first. `sandbox` false is a pod whose sandbox died. */
function runtime(states: readonly string[], sandbox: boolean | undefined = true): PodRuntime {
  const containers = states.map((text, index) => {
    const [name = '', state = '', code = '0'] = text.split(':');
    return {
      id: `${name}-${index}`,
      name,
      sandboxId: 's',
      state: `CONTAINER_${state.toUpperCase()}`,
      exitCode: Number(code),
      annotations: {},
    } as ContainerRecord;
  });
  const metadata = { name: 'p', namespace: 'n', uid: 'u', attempt: 0 };
  const state = sandbox ? 'SANDBOX_READY' : 'SANDBOX_NOTREADY';
  const status = {
    id: 's',
    metadata,
    state,
    createdAtMs: 0,
    labels: {},
    annotations: {},
    ips: ['10.0.0.1'],
    networkMode: 'POD',
  } as const;
  return { sandboxes: sandbox === undefined ? [] : [status], containers };
}

const nothing: PodRuntime = { sandboxes: [], containers: [] };

function summary({ sandboxAttempt, start, kill, isOver }: PodPlan): string {
  return [
    ...(sandboxAttempt === undefined ? [] : [`sandbox ${sandboxAttempt}`]),
    ...start.map((step) => `start ${step.container.name}`),
    ...kill.map((step) => `kill ${step.record.name}`),
    ...(isOver ? ['over'] : []),
  ].join(', ');
}

for (const { name, spec = {}, runs, want, failing = [], started = [], again = [] } of [
  {
    name: 'makes a sandbox and starts all apps',
    spec: { containers: [container('a'), container('b')] },
    runs: nothing,
    want: 'sandbox 0, start a, start b',
  },
  { name: 'leaves a running pod alone', runs: runtime(['a:running']), want: '' },
  {
    name: 'starts the first init container alone',
    spec: { initContainers: [container('i'), container('j')] },
    runs: runtime([]),
    want: 'start i',
  },
  {
    name: 'waits for an init container',
    spec: { initContainers: [container('i')] },
    runs: runtime(['i:running']),
    want: '',
  },
  {
    name: 'goes on after an init container',
    spec: { initContainers: [container('i'), container('j')] },
    runs: runtime(['i:exited:0']),
    want: 'start j',
  },
  {
    name: 'starts the apps after the last init container',
    spec: { initContainers: [container('i')] },
    runs: runtime(['i:exited:0']),
    want: 'start a',
  },
  {
    name: 'repeats an init container that failed',
    spec: { initContainers: [container('i')] },
    runs: runtime(['i:exited:1']),
    want: 'start i',
  },
  {
    name: 'gives up where nothing is repeated',
    spec: { restartPolicy: 'Never', initContainers: [container('i')] },
    runs: runtime(['i:exited:1']),
    want: 'over',
  },
  {
    name: 'waits until a sidecar has started',
    spec: { initContainers: [sidecar('s')] },
    runs: runtime(['s:running']),
    want: '',
  },
  {
    name: 'goes on beside a started sidecar',
    spec: { initContainers: [sidecar('s')] },
    runs: runtime(['s:running']),
    started: ['s'],
    want: 'start a',
  },
  {
    name: 'restarts a sidecar beside its app',
    spec: { initContainers: [sidecar('s')] },
    runs: runtime(['a:running', 's:exited:0']),
    want: 'start s',
  },
  {
    name: 'does not run init containers again',
    spec: { initContainers: [container('i')] },
    runs: runtime(['a:running']),
    want: '',
  },
  { name: 'restarts what ended', runs: runtime(['a:exited:0']), want: 'start a' },
  {
    name: 'restarts on failure only',
    spec: { restartPolicy: 'OnFailure', containers: [container('a'), container('b')] },
    runs: runtime(['a:exited:0', 'b:exited:1']),
    want: 'start b',
  },
  {
    name: 'is over when all apps have succeeded',
    spec: { restartPolicy: 'OnFailure' },
    runs: runtime(['a:exited:0']),
    want: 'over',
  },
  {
    name: 'is over when the apps are, though a sidecar runs',
    spec: { restartPolicy: 'Never', initContainers: [sidecar('s')] },
    runs: runtime(['a:exited:1', 's:running']),
    want: 'over',
  },
  { name: 'looks at the newest instance', runs: runtime(['a:running', 'a:exited:1']), want: '' },
  { name: 'kills what its probe has given up', runs: runtime(['a:running']), failing: ['a'], want: 'kill a' },
  { name: 'replaces a sandbox that died', runs: runtime(['a:exited:137'], false), want: 'sandbox 1, start a' },
  {
    name: 'lets a pod end that never restarts',
    spec: { restartPolicy: 'Never' },
    runs: runtime(['a:exited:137'], false),
    want: 'over',
  },
  {
    name: 'starts an ephemeral container once',
    spec: { ephemeralContainers: [{ name: 'debug' }] },
    runs: runtime(['a:running']),
    want: 'start debug',
  },
  {
    name: 'does not restart an ephemeral container',
    spec: { ephemeralContainers: [{ name: 'debug' }] },
    runs: runtime(['debug:exited:0', 'a:running']),
    want: '',
  },
  {
    name: 'follows a rule for an exit code',
    spec: {
      restartPolicy: 'Never',
      containers: [
        container('a', {
          restartPolicy: 'Never',
          restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }],
        }),
      ],
    },
    runs: runtime(['a:exited:42']),
    want: 'start a',
  },
  {
    name: 'starts what was ended to start again, though it ended well',
    spec: { restartPolicy: 'OnFailure', containers: [container('a'), container('b')] },
    runs: runtime(['a:exited:0', 'b:exited:0']),
    again: ['a'],
    want: 'start a',
  },
  {
    name: 'starts an init container that was ended to start again, and does not go on',
    spec: { initContainers: [container('i')], containers: [container('a')] },
    runs: runtime(['i:exited:0']),
    again: ['i'],
    want: 'start i',
  },
] as {
  name: string;
  spec?: Partial<PodSpec>;
  runs: PodRuntime;
  want: string;
  failing?: string[];
  started?: string[];
  again?: string[];
}[])
  test(`planPod ${name}`, () => {
    const plan = planPod(pod(spec), runs, {
      failureOf: (each) => (failing.includes(each) ? 'liveness' : undefined),
      isStarted: (each) => started.includes(each),
      isToRestart: (id) => again.some((name) => runs.containers.some((each) => each.id === id && each.name === name)),
    });
    assert.equal(summary(plan), want);
  });
