import assert from 'node:assert/strict';
import test from 'node:test';
import type { Node } from '../../../generated/core-v1.ts';
import { asksForHints, planHints, zoneShares } from './topology-hints.ts';

const node = (zone: string | undefined, cpu: string, labels = {}): Node =>
  ({
    metadata: {
      name: `${zone}-${cpu}`,
      labels: { ...labels, ...(zone ? { 'topology.kubernetes.io/zone': zone } : {}) },
    },
    status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: 'True' }] },
  }) as unknown as Node;
const endpoints = (...zones: (string | undefined)[]) =>
  zones.map((zone, index) => ({ id: `e${index}`, zone, hint: undefined as string | undefined }));
const zonesOf = (plan: ReturnType<typeof planHints>) =>
  'zones' in plan ? [...plan.zones.values()].sort() : plan.refused;

test('a Service asks for hints by annotation, the older name before the newer', () => {
  assert.equal(asksForHints({ 'service.kubernetes.io/topology-mode': 'Auto' }), true);
  assert.equal(asksForHints({ 'service.kubernetes.io/topology-mode': 'Other' }), false);
  const both = {
    'service.kubernetes.io/topology-aware-hints': 'Disabled',
    'service.kubernetes.io/topology-mode': 'Auto',
  };
  assert.equal(asksForHints(both), false);
});

test('zones have their part of the processors, where every node tells', () => {
  assert.deepEqual(
    zoneShares([node('a', '1'), node('b', '3'), node('c', '9', { 'node-role.kubernetes.io/control-plane': '' })]),
    new Map([
      ['a', 0.25],
      ['b', 0.75],
    ]),
  );
  assert.equal(zoneShares([node('a', '1'), node(undefined, '3')]), undefined);
  assert.equal(zoneShares([node('a', '1'), node('a', '3')]), undefined);
});

test('endpoints serve zones in proportion, and stay where they are while that does', () => {
  const halves = new Map([
    ['a', 0.5],
    ['b', 0.5],
  ]);
  const plan = planHints(endpoints('a', 'a', 'a', 'b'), halves);
  assert.deepEqual(zonesOf(plan), ['a', 'a', 'b', 'b']);
  assert('zones' in plan);
  const standing = endpoints('a', 'a', 'a', 'b').map((each) => ({ ...each, hint: plan.zones.get(each.id) }));
  assert.deepEqual(planHints(standing, halves), plan);
});

test('why there are no hints is said', () => {
  const thirds = new Map([
    ['a', 1 / 3],
    ['b', 1 / 3],
    ['c', 1 / 3],
  ]);
  assert.equal(
    zonesOf(planHints(endpoints('a', 'b'), thirds)),
    'Insufficient number of endpoints (2 endpoints, 3 zones)',
  );
  assert.match(zonesOf(planHints(endpoints('a', 'b', undefined), thirds)) as string, /do not have a zone/);
  assert.match(zonesOf(planHints(endpoints('a'), undefined)) as string, /^Insufficient Node information/);
  const uneven = new Map([
    ['a', 0.8],
    ['b', 0.1],
    ['c', 0.1],
  ]);
  assert.match(
    zonesOf(planHints(endpoints('a', 'b', 'c'), uneven)) as string,
    /overload threshold \(3 endpoints, 3 zones\)$/,
  );
});
