import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Container, ContainerStatus, Pod, PodStatus } from '../../../generated/core-v1.ts';
import { FieldErrors } from '../meta/field-errors.ts';
import { podKind } from './pod.ts';
import { qosClassOf } from './pod-qos.ts';
import { readyText, restartsText, statusText } from './pod-status-text.ts';

const context = { nowMs: Date.parse('2026-01-01T00:10:00Z'), isDryRun: false };

function aPod(spec: Partial<Pod['spec'] & object> = {}, container: Partial<Container> = {}): Pod {
  const pod: Pod = {
    metadata: { name: 'web', namespace: 'shop' },
    spec: { containers: [{ name: 'app', image: 'nginx:1.25', ...container }], ...spec },
  };
  podKind.defaults!(pod);
  return pod;
}

function withStatus(status: PodStatus, spec: Partial<Pod['spec'] & object> = {}): Pod {
  return { ...aPod(spec), status };
}

const app = (state: ContainerStatus['state'], rest: Partial<ContainerStatus> = {}): ContainerStatus => ({
  name: 'app',
  image: 'nginx:1.25',
  imageID: '',
  ready: false,
  restartCount: 0,
  ...rest,
  ...(state ? { state } : {}),
});

function errorsOf(check: (errors: FieldErrors) => void): string[] {
  const errors = new FieldErrors();
  check(errors);
  return errors.list.map(({ field, body }) => `${field}: ${body}`);
}

for (const { name, status, want } of [
  { name: 'its phase at first', status: { phase: 'Pending' }, want: 'Pending' },
  {
    name: 'why a container waits',
    status: { phase: 'Pending', containerStatuses: [app({ waiting: { reason: 'ImagePullBackOff' } })] },
    want: 'ImagePullBackOff',
  },
  {
    name: 'the signal that ended it',
    status: { phase: 'Failed', containerStatuses: [app({ terminated: { exitCode: 137, signal: 9 } })] },
    want: 'Signal:9',
  },
  {
    name: 'the exit code where there is no reason',
    status: { phase: 'Failed', containerStatuses: [app({ terminated: { exitCode: 3 } })] },
    want: 'ExitCode:3',
  },
  {
    name: 'a gate that holds it',
    status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] },
    want: 'SchedulingGated',
  },
] as { name: string; status: PodStatus; want: string }[]) {
  test(`the STATUS of a pod shows ${name}`, () => assert.equal(statusText(withStatus(status)), want));
}

test('init containers count up in STATUS until they are done', () => {
  const init = { name: 'setup', image: 'busybox:1' };
  const waiting = withStatus(
    { phase: 'Pending', initContainerStatuses: [{ ...app({ running: {} }), name: 'setup' }] },
    { initContainers: [init] },
  );
  assert.equal(statusText(waiting), 'Init:0/1');
});

test('READY and RESTARTS sum over containers and say when the last restart was', () => {
  const pod = withStatus({
    phase: 'Running',
    containerStatuses: [
      app(
        { running: {} },
        {
          ready: true,
          restartCount: 3,
          lastState: { terminated: { exitCode: 1, finishedAt: '2026-01-01T00:05:00Z' } },
        },
      ),
    ],
  });
  assert.equal(readyText(pod), '1/1');
  assert.equal(restartsText(pod, context), '3 (5m ago)');
});

test('defaults fill policies and take requests from limits', () => {
  const pod = aPod({}, { image: 'nginx', resources: { limits: { cpu: '1' } }, ports: [{ containerPort: 80 }] });
  const container = pod.spec!.containers[0]!;
  assert.equal(container.imagePullPolicy, 'Always');
  assert.deepEqual(container.resources?.requests, { cpu: '1' });
  assert.equal(container.ports?.[0]?.protocol, 'TCP');
  assert.equal(pod.spec!.restartPolicy, 'Always');
});

test('what is requested for a whole pod is filled in where something is limited', () => {
  const own = { requests: { cpu: '100m', memory: '64Mi' } };
  const filled = (resources: object) =>
    aPod(
      { resources, initContainers: [{ name: 'i', image: 'i', resources: { requests: { cpu: '200m' } } }] } as never,
      {
        resources: own,
      },
    ).spec!.resources;
  assert.deepEqual(filled({ requests: { cpu: '300m' } }), { requests: { cpu: '300m' } });
  assert.deepEqual(filled({ limits: { cpu: '1' } }), {
    limits: { cpu: '1' },
    requests: { cpu: '200m', memory: '64Mi' },
  });
  const huge = { limits: { 'hugepages-2Mi': '4Mi' }, requests: { 'hugepages-2Mi': '4Mi' } };
  assert.deepEqual(aPod({ resources: { requests: { cpu: '1' } } }, { resources: huge }).spec!.resources, {
    limits: { 'hugepages-2Mi': '4Mi' },
    requests: { cpu: '1', 'hugepages-2Mi': '4Mi' },
  });
});

test('the class of a pod follows its requests and limits', () => {
  const classOf = (container: Partial<Container>): string => qosClassOf(aPod({}, container).spec!);
  assert.equal(classOf({}), 'BestEffort');
  assert.equal(classOf({ resources: { requests: { cpu: '1' } } }), 'Burstable');
  assert.equal(classOf({ resources: { limits: { cpu: '1', memory: '1Gi' } } }), 'Guaranteed');
});

test('errors of a pod come with their places, all at once', () => {
  const pod = aPod({ restartPolicy: 'Perhaps' as never }, { name: 'A', image: '' });
  const errors = errorsOf((list) => podKind.validate!(pod, list));
  assert.deepEqual(
    errors.map((text) => text.slice(0, text.indexOf(':'))),
    ['spec.containers[0].name', 'spec.containers[0].image', 'spec.restartPolicy'],
  );
});

test('an image may change, an environment variable may not: the error shows the difference', () => {
  const before = aPod();
  assert.deepEqual(
    errorsOf((list) => podKind.validateUpdate!(aPod({}, { image: 'nginx:1.26' }), before, list)),
    [],
  );
  const next = aPod({}, { env: [{ name: 'A', value: 'b' }] });
  const [error = ''] = errorsOf((list) => podKind.validateUpdate!(next, before, list));
  assert.match(error, /^spec: Forbidden: pod updates may not change fields other than/);
  assert.match(error, /\n- {3}"Env": null,\n\+ {3}"Env": \[\n\+ {4}\{\n\+ {5}"Name": "A",\n/);
});

test('a gated pod gets its condition, a new one its class, and neither keeps a status it was sent', () => {
  const pod = aPod({ schedulingGates: [{ name: 'example.com/wait' }] });
  pod.status = { phase: 'Running' };
  podKind.prepareForCreate!(pod, context);
  assert.equal(pod.status.phase, 'Pending');
  assert.equal(pod.status.qosClass, 'BestEffort');
  assert.equal(pod.status.conditions?.[0]?.reason, 'SchedulingGated');
});

test('a pod on a node gets time to stop, others go at once', () => {
  assert.equal(podKind.graceSeconds!(aPod(), undefined), 0);
  assert.equal(podKind.graceSeconds!(aPod({ nodeName: 'one' }), undefined), 30);
  assert.equal(podKind.graceSeconds!(aPod({ nodeName: 'one' }), 5), 5);
});

test('a pod that asks for something as a whole and has no containers is judged as any other', () => {
  const pod = aPod({ containers: null as never, resources: { requests: { cpu: '1' } } });
  podKind.defaults!(pod);
  assert.ok(errorsOf((list) => podKind.validate!(pod, list)).includes('spec.containers: Required value'));
});
