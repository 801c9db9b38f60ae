import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  Device,
  DeviceClass,
  DeviceConstraint,
  DeviceRequest,
  ResourceClaim,
  ResourceSlice,
  ResourceSliceSpec,
} from '../../../generated/resource-v1.ts';
import type { NodeView } from '../node-cache.ts';
import { AllocatedDevices } from './allocated.ts';
import { allocationResult } from './allocation-result.ts';
import { findDevices, NodeProblem } from './allocator.ts';
import { AllocationError, askedClaim } from './asks.ts';
import { SliceIndex } from './pools.ts';

const node = { name: 'n', labels: { zone: 'a' } } as unknown as NodeView;
const driver = 'gpu.example.com';
const classes: Record<string, DeviceClass> = {
  gpu: { metadata: { name: 'gpu' }, spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] } },
  any: { metadata: { name: 'any' }, spec: {} },
};

const pool = (name: string, count = 1) => ({ name, generation: 1, resourceSliceCount: count });

function slice(devices: Device[], spec: Partial<ResourceSliceSpec> = {}, name = 's'): ResourceSlice {
  return { metadata: { name }, spec: { driver, nodeName: 'n', pool: pool('p'), devices, ...spec } };
}

function claim(requests: DeviceRequest[], constraints: DeviceConstraint[] = [], name = 'c'): ResourceClaim {
  return { metadata: { name, namespace: 'ns', uid: name }, spec: { devices: { requests, constraints } } };
}

const one = (name: string, more: object = {}): DeviceRequest => ({
  name,
  exactly: { deviceClassName: 'gpu', allocationMode: 'ExactCount', count: 1, ...more },
});

interface Given {
  readonly slices: ResourceSlice[];
  readonly claims: ResourceClaim[];
  readonly allocated?: AllocatedDevices;
}

function results({ slices, claims, allocated = new AllocatedDevices() }: Given) {
  const asked = claims.map((each) => askedClaim(each, (name) => classes[name]));
  const found = findDevices(node, asked, { slices: new SliceIndex(slices), allocated });
  return found?.map((solution, index) => allocationResult(asked[index]!, solution, 'n', () => 'share'));
}

/** `request=device` of all claims. */
const chosen = (given: Given) =>
  results(given)?.flatMap(({ devices }) =>
    (devices?.results ?? []).map(({ request, device }) => `${request}=${device}`),
  );

const gpu = (name: string, more: Partial<Device> = {}): Device => ({ name, ...more });
const model = (name: string, value: string) => gpu(name, { attributes: { model: { string: value } } });
const selects = (expression: string) => ({ selectors: [{ cel: { expression } }] });

test('devices are chosen by expression, each for one request', () => {
  const slices = [slice([model('a', 'x'), model('b', 'y'), model('c', 'y')])];
  const isY = selects(`device.attributes["${driver}"].model == "y"`);
  assert.deepEqual(chosen({ slices, claims: [claim([one('r', isY), one('s')])] }), ['r=b', 's=a']);
  assert.equal(chosen({ slices, claims: [claim([one('r', { ...isY, count: 3 })])] }), undefined);
});

test('an earlier choice is taken back when a later request needs the device', () => {
  const slices = [slice([model('a', 'x'), model('b', 'y')])];
  const isX = selects(`device.attributes["${driver}"].model == "x"`);
  assert.deepEqual(chosen({ slices, claims: [claim([one('any'), one('x', isX)])] }), ['any=b', 'x=a']);
});

test('an unknown domain is empty, and what it lacks is an error that ends scheduling', () => {
  const slices = [slice([model('a', 'x')])];
  const has = selects('"m" in device.attributes["other.example.com"] || "other.example.com" in device.attributes');
  assert.equal(chosen({ slices, claims: [claim([one('r', has)])] }), undefined);
  const lacks = selects('device.attributes["other.example.com"].m == "x"');
  assert.throws(() => chosen({ slices, claims: [claim([one('r', lacks)])] }), {
    constructor: AllocationError,
    message: 'claim ns/c: selector #0: CEL runtime error: no such key: m',
  });
});

test('devices share an attribute, or all differ in it', () => {
  const slices = [slice([model('a', 'x'), model('b', 'y'), model('c', 'y')])];
  const attribute = `${driver}/model`;
  const two = one('r', { count: 2 });
  assert.deepEqual(chosen({ slices, claims: [claim([two], [{ matchAttribute: attribute }])] }), ['r=b', 'r=c']);
  assert.deepEqual(chosen({ slices, claims: [claim([two], [{ distinctAttribute: attribute }])] }), ['r=a', 'r=b']);
  const three = one('r', { count: 3 });
  assert.equal(chosen({ slices, claims: [claim([three], [{ distinctAttribute: attribute }])] }), undefined);
});

test('all devices are all that match, none of them in use', () => {
  const slices = [slice([gpu('a'), gpu('b')])];
  const all = claim([{ name: 'r', exactly: { deviceClassName: 'gpu', allocationMode: 'All' } }]);
  assert.deepEqual(chosen({ slices, claims: [all] }), ['r=a', 'r=b']);
  const allocated = new AllocatedDevices();
  allocated.set('other', { devices: { results: [{ request: 'r', driver, pool: 'p', device: 'b' }] } });
  assert.equal(chosen({ slices, claims: [all], allocated }), undefined);
  allocated.set('other', undefined);
  assert.deepEqual(chosen({ slices, claims: [all], allocated }), ['r=a', 'r=b']);
  const half = [slice([gpu('a')], { pool: pool('p', 2) })];
  assert.throws(
    () => chosen({ slices: half, claims: [all] }),
    /asks for all devices, but resource pool .* being updated/,
  );
});

test('admins look into devices in use, and do not use them up', () => {
  const slices = [slice([gpu('a')])];
  const allocated = new AllocatedDevices();
  allocated.set('other', { devices: { results: [{ request: 'r', driver, pool: 'p', device: 'a' }] } });
  const admin = claim([one('r', { adminAccess: true })]);
  assert.deepEqual(chosen({ slices, claims: [admin], allocated }), ['r=a']);
  allocated.set('other', {
    devices: { results: [{ request: 'r', driver, pool: 'p', device: 'a', adminAccess: true }] },
  });
  assert.deepEqual(chosen({ slices, claims: [claim([one('r')])], allocated }), ['r=a']);
});

test('the first alternative that can be had is chosen, again when a later request fails', () => {
  const slices = [slice([model('a', 'x'), model('b', 'y')])];
  const is = (value: string) => selects(`device.attributes["${driver}"].model == "${value}"`);
  const part = (name: string, more: object) => ({
    name,
    deviceClassName: 'gpu',
    allocationMode: 'ExactCount' as const,
    count: 1,
    ...more,
  });
  const choice = { name: 'r', firstAvailable: [part('big', { count: 2 }), part('x', is('x')), part('y', is('y'))] };
  assert.deepEqual(chosen({ slices, claims: [claim([choice])] }), ['r/big=a', 'r/big=b']);
  assert.deepEqual(chosen({ slices, claims: [claim([choice, one('s')])] }), ['r/x=a', 's=b']);
  assert.deepEqual(chosen({ slices, claims: [claim([choice, one('s', is('x'))])] }), ['r/y=b', 's=a']);
});

test('a tainted device is for those who tolerate it', () => {
  const slices = [slice([gpu('a', { taints: [{ key: 'broken', value: 'fan', effect: 'NoSchedule' }] })])];
  assert.equal(chosen({ slices, claims: [claim([one('r')])] }), undefined);
  const tolerations = [{ key: 'broken', operator: 'Exists' as const }];
  assert.deepEqual(results({ slices, claims: [claim([one('r', { tolerations })])] })?.[0]?.devices?.results, [
    { request: 'r', driver, pool: 'p', device: 'a', tolerations },
  ]);
});

test('capacity is shared, rounded as the device wants it', () => {
  const device = gpu('a', {
    allowMultipleAllocations: true,
    capacity: { memory: { value: '10Gi', requestPolicy: { default: '1Gi', validRange: { min: '1Gi', step: '2Gi' } } } },
  });
  const slices = [slice([device])];
  const wants = (memory: string, name: string) => claim([one('r', { capacity: { requests: { memory } } })], [], name);
  const given = results({ slices, claims: [wants('4Gi', 'c'), wants('5Gi', 'd')] });
  assert.deepEqual(
    given?.map(({ devices }) => devices?.results?.[0]?.consumedCapacity),
    [{ memory: '5Gi' }, { memory: '5Gi' }],
  );
  const allocated = new AllocatedDevices();
  allocated.set('c', given![0]);
  allocated.set('d', given![1]);
  assert.equal(chosen({ slices, claims: [wants('1Gi', 'e')], allocated }), undefined);
  allocated.set('d', undefined);
  assert.equal(chosen({ slices, claims: [wants('1Gi', 'e')], allocated })?.length, 1);
});

test('partitions draw on the counters of their card', () => {
  const counters = slice(
    [],
    { pool: pool('p', 2), sharedCounters: [{ name: 'card', counters: { mem: { value: '8Gi' } } }] },
    'a',
  );
  const uses = (name: string, value: string) =>
    gpu(name, { consumesCounters: [{ counterSet: 'card', counters: { mem: { value } } }] });
  const parts = slice(
    [uses('whole', '8Gi'), uses('half-1', '4Gi'), uses('half-2', '4Gi')],
    { pool: pool('p', 2) },
    'b',
  );
  const slices = [counters, parts];
  assert.deepEqual(chosen({ slices, claims: [claim([one('r', { count: 2 })])] }), ['r=half-1', 'r=half-2']);
  assert.equal(chosen({ slices, claims: [claim([one('r', { count: 3 })])] }), undefined);
  const broken = slice(
    [gpu('x', { consumesCounters: [{ counterSet: 'nope', counters: {} }] })],
    { pool: pool('p', 2) },
    'b',
  );
  assert.throws(() => chosen({ slices: [counters, broken], claims: [claim([one('r')])] }), NodeProblem);
});

test('an old generation of a pool does not count, and a device elsewhere is out of reach', () => {
  const old = slice([gpu('old')], {}, 'old');
  const next = slice([gpu('new')], { pool: { name: 'p', generation: 2, resourceSliceCount: 1 } }, 'new');
  assert.deepEqual(chosen({ slices: [old, next], claims: [claim([one('r')])] }), ['r=new']);
  const away = slice([gpu('a')], { nodeName: 'm' });
  assert.equal(chosen({ slices: [away], claims: [claim([one('r')])] }), undefined);
});

test('where a device can be used from is said in the result', () => {
  const zone = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In' as const, values: ['a'] }] }] };
  const { nodeName: _, ...shared } = slice([gpu('a')]).spec;
  const slices = [{ metadata: { name: 's' }, spec: { ...shared, nodeSelector: zone } }];
  assert.deepEqual(results({ slices, claims: [claim([one('r')])] })?.[0]?.nodeSelector, zone);
  const [local] = results({ slices: [slice([gpu('a')])], claims: [claim([one('r')])] })!;
  assert.deepEqual(local!.nodeSelector?.nodeSelectorTerms[0]?.matchFields?.[0]?.values, ['n']);
});

test('a search without end gives up', () => {
  const devices = Array.from({ length: 60 }, (_, index) => model(`d${index}`, index === 59 ? 'last' : 'x'));
  const slices = [slice(devices)];
  const requests = [one('r', { count: 20 }), one('s', selects('device.attributes["gpu.example.com"].model == "none"'))];
  assert.throws(() => chosen({ slices, claims: [claim(requests)] }), /node n: timed out trying to allocate devices/);
});
