import assert from 'node:assert/strict';
import test from 'node:test';
import type { Endpoint, EndpointSlice } from '../../../generated/discovery-v1.ts';
import { identityOf, planSlices } from './plan-slices.ts';

const ports = [{ name: 'http', port: 80, protocol: 'TCP' as const }];
const endpoint = (index: number, ready = true): Endpoint => ({ addresses: [`10.0.0.${index}`], conditions: { ready } });
const group = (endpoints: Endpoint[]) => ({
  ports,
  endpoints: new Map(endpoints.map((each) => [identityOf(each), each])),
});
const slice = (name: string, endpoints: Endpoint[]): EndpointSlice => ({
  metadata: { name },
  addressType: 'IPv4',
  endpoints,
  ports,
});
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => endpoint(from + index));

test('planSlices makes an empty slice for a service without endpoints', () => {
  assert.deepEqual(planSlices([], []), { create: [{ endpoints: [], ports: [] }], update: [], delete: [] });
});

test('planSlices holds a hundred endpoints in a slice', () => {
  const { create } = planSlices([], [group(range(0, 250))]);
  assert.deepEqual(
    create.map(({ endpoints }) => endpoints.length),
    [100, 100, 50],
  );
});

test('planSlices changes only the slice that holds what changed', () => {
  const slices = [slice('a', range(0, 100)), slice('b', range(100, 200))];
  const next = [...range(0, 150), endpoint(150, false), ...range(151, 200)];
  const plan = planSlices(slices, [group(next)]);
  assert.deepEqual(
    plan.update.map((each) => each.slice.metadata.name),
    ['b'],
  );
  assert.deepEqual([plan.create, plan.delete], [[], []]);
});

test('planSlices fills room before it makes slices', () => {
  const plan = planSlices([slice('a', range(0, 60))], [group(range(0, 90))]);
  assert.deepEqual(
    plan.update.map(({ content }) => content.endpoints.length),
    [90],
  );
  assert.equal(plan.create.length, 0);
});

test('planSlices deletes a slice that ran empty beside others', () => {
  const plan = planSlices([slice('a', range(0, 10)), slice('b', range(10, 20))], [group(range(0, 10))]);
  assert.deepEqual(
    plan.delete.map(({ metadata }) => metadata.name),
    ['b'],
  );
});

test('planSlices gives a slice to other ports only when nobody keeps it', () => {
  const [own, others] = [[endpoint(1)], [endpoint(2)]];
  const otherPorts = [{ name: 'http', port: 81, protocol: 'TCP' as const }];
  const groups = [group(own), { ...group(others), ports: otherPorts }];
  const kept = { ...slice('kept', others), ports: otherPorts };
  assert.deepEqual(planSlices([kept], groups), { create: [{ endpoints: own, ports }], update: [], delete: [] });
  const { create, update } = planSlices([{ ...slice('free', []), ports: [] }, kept], groups);
  assert.deepEqual(create, []);
  assert.deepEqual(
    update.map(({ slice: { metadata }, content, isReused }) => [metadata.name, content.ports, isReused]),
    [['free', ports, true]],
  );
});
