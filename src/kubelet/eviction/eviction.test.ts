import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { Quantity } from '../../api/meta/quantity.ts';
import { parseKubeletConfiguration } from '../config/configuration.ts';
import { pressureRejection } from './admission.ts';
import { storageExcess } from './local-storage.ts';
import { evictionAnnotations, evictionMessage } from './messages.ts';
import type { PodUsage } from './pod-usage.ts';
import { type Observations, PressureState } from './pressure-state.ts';
import { rankPods } from './rank.ts';
import { parseThresholds, type Signal } from './thresholds.ts';

const thresholdsOf = (body: string) =>
  parseThresholds(
    parseKubeletConfiguration(`apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n${body}`),
  );

const memory = (available: string, capacity = '8Gi'): Observations =>
  new Map([['memory.available', { available: Quantity.parse(available), capacity: Quantity.parse(capacity) }]]);

test('a hard threshold is due at once, and over only with the minimum to reclaim; its condition stays for a while', () => {
  const body =
    'evictionHard: {memory.available: 1Gi}\nevictionMinimumReclaim: {memory.available: 512Mi}\nenforceNodeAllocatable: []';
  const state = new PressureState(thresholdsOf(body), 30_000);
  const look = (available: string, atSeconds: number) => {
    const { pressures, due } = state.observe(memory(available), atSeconds * 1000);
    return [[...pressures], due.length];
  };
  assert.deepEqual(look('2Gi', 0), [[], 0]);
  assert.deepEqual(look('1023Mi', 10), [['MemoryPressure'], 1]);
  assert.deepEqual(look('1200Mi', 20), [['MemoryPressure'], 1]);
  assert.deepEqual(look('1536Mi', 30), [['MemoryPressure'], 0]);
  assert.deepEqual(look('1200Mi', 49), [['MemoryPressure'], 0]);
  assert.deepEqual(look('1200Mi', 50), [[], 0]);
});

test('a soft threshold is due after its grace period without a break', () => {
  const body =
    'evictionHard: {}\nevictionSoft: {memory.available: 50%}\nevictionSoftGracePeriod: {memory.available: 1m}';
  const state = new PressureState(thresholdsOf(body), 1);
  const due = (available: string, atSeconds: number) => state.observe(memory(available), atSeconds * 1000).due.length;
  assert.equal(due('3Gi', 0), 0);
  assert.equal(due('3Gi', 59), 0);
  assert.equal(due('5Gi', 60), 0);
  assert.equal(due('3Gi', 70), 0);
  assert.equal(due('3Gi', 130), 1);
});

const pod = (name: string, requestMi: number, priority = 0): Pod => ({
  metadata: { name, namespace: 'default', uid: name },
  spec: { priority, containers: [{ name: 'c', resources: { requests: { memory: `${requestMi}Mi` } } }] },
});
const usage = (mi: number, over: Partial<PodUsage> = {}): PodUsage => ({
  memoryBytes: mi * 2 ** 20,
  processes: 1,
  containers: [{ name: 'c', memoryBytes: mi * 2 ** 20, rootBytes: 0, rootInodes: 0, logBytes: 0 }],
  volumes: new Map(),
  inodes: 0,
  diskBytes: 0,
  ...over,
});

test('those above their requests go first, then by priority, then those furthest above', () => {
  const pods = [pod('modest', 100), pod('precious', 10, 5), pod('greedy', 10), pod('greedier', 10), pod('unknown', 10)];
  const used: Record<string, number> = { modest: 90, precious: 500, greedy: 50, greedier: 60 };
  const usageOf = ({ metadata: { name } }: Pod) => (used[name] === undefined ? undefined : usage(used[name]));
  assert.deepEqual(
    rankPods(pods, 'memory.available', usageOf).map(({ metadata }) => metadata.name),
    ['unknown', 'greedier', 'greedy', 'precious', 'modest'],
  );
});

test('an evicted pod says what was scarce and how much it had of it', () => {
  const reason = {
    resource: 'memory',
    thresholds: thresholdsOf('evictionHard: {memory.available: 1Gi}'),
    observations: memory('900Mi'),
  } as const;
  assert.equal(
    evictionMessage(pod('p', 10), usage(50), reason),
    'The node was low on resource: memory. Threshold quantity: 1Gi, available: 900Mi. Container c was using 50Mi, request is 10Mi, has larger consumption of memory. ',
  );
});

test('the event of an eviction says the same to programs', () => {
  const reason = { resource: 'memory', thresholds: [], observations: new Map() } as const;
  assert.deepEqual(evictionAnnotations(pod('p', 10), usage(50), reason), {
    offending_containers: 'c',
    offending_containers_usage: '50Mi',
    starved_resource: 'memory',
  });
  const whole = pod('p', 100);
  whole.spec.resources = { requests: { memory: '20Mi' } };
  assert.deepEqual(evictionAnnotations(whole, usage(50), reason), {
    offending_pod: 'p',
    offending_pod_usage: '50Mi',
    offending_containers: '',
    offending_containers_usage: '',
    starved_resource: 'memory',
  });
  assert.equal(evictionAnnotations(whole, undefined, reason), undefined);
});

test('where images have a disk of their own, each disk ranks and limits by what lies on it', () => {
  const layer = { name: 'c', memoryBytes: 0, rootBytes: 90, rootInodes: 9, logBytes: 0 };
  const used: Record<string, PodUsage> = {
    files: usage(0, { containers: [], diskBytes: 80, inodes: 8 }),
    layers: usage(0, { containers: [layer], diskBytes: 100, inodes: 10 }),
  };
  const first = (signal: Signal, hasOwnImageDisk: boolean) =>
    rankPods([pod('files', 1), pod('layers', 1)], signal, ({ metadata }) => used[metadata.name], hasOwnImageDisk)[0]!
      .metadata.name;
  assert.equal(first('nodefs.available', false), 'layers');
  assert.equal(first('nodefs.available', true), 'files');
  assert.equal(first('nodefs.inodesFree', true), 'files');
  assert.equal(first('imagefs.available', true), 'layers');
  const limited = pod('p', 1);
  limited.spec.containers[0]!.resources = { limits: { 'ephemeral-storage': '50' } };
  assert.match(storageExcess(limited, used['layers']!, false)!, /total limit of containers 50\. $/);
  assert.equal(storageExcess(limited, used['layers']!, true), undefined);
});

test('limits of the disk are looked at volume first, then pod, then container', () => {
  const limited = pod('p', 1);
  limited.spec.volumes = [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }];
  limited.spec.containers[0]!.resources = { limits: { 'ephemeral-storage': '2Mi' } };
  const log = { name: 'c', memoryBytes: 0, rootBytes: 0, rootInodes: 0, logBytes: 3 * 2 ** 20 };
  const excess = (over: Partial<PodUsage>) => storageExcess(limited, usage(1, over), false);
  assert.equal(excess({}), undefined);
  assert.match(
    excess({ volumes: new Map([['v', 2 ** 21]]), diskBytes: 2 ** 22 })!,
    /EmptyDir volume "v" exceeds the limit "1Mi"/,
  );
  assert.match(excess({ diskBytes: 2 ** 22 })!, /total limit of containers 2Mi\. $/);
  assert.match(excess({ containers: [log] })!, /^Container c exceeded its local ephemeral storage limit "2Mi"\. $/);
});

test('short of memory alone a node takes what asked for some, or tolerates it; critical pods always come', () => {
  const bestEffort: Pod = { metadata: { name: 'b' }, spec: { containers: [{ name: 'c' }] } };
  const tolerant: Pod = { ...bestEffort, spec: { ...bestEffort.spec, tolerations: [{ operator: 'Exists' }] } };
  const admitted = (each: Pod, ...pressures: ('MemoryPressure' | 'DiskPressure')[]) =>
    pressureRejection(each, new Set(pressures)) === undefined;
  assert.deepEqual(
    [bestEffort, tolerant, pod('p', 10), pod('critical', 0, 2e9)].map((each) => [
      admitted(each, 'MemoryPressure'),
      admitted(each, 'MemoryPressure', 'DiskPressure'),
    ]),
    [
      [false, false],
      [true, false],
      [true, false],
      [true, true],
    ],
  );
});
