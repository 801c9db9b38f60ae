import assert from 'node:assert/strict';
import test from 'node:test';
import type { Node } from '../../../generated/core-v1.ts';
import { machineLabel } from '../overlay/plan-routes.ts';
import { aService, aSlice } from '../testing/objects.ts';
import { chooseNode } from './choose-node.ts';

const aNode = (name: string, machine?: string, status = 'True') =>
  ({
    metadata: { name, ...(machine ? { labels: { [machineLabel]: machine } } : {}) },
    status: { conditions: [{ type: 'Ready', status }] },
  }) as unknown as Node;
const nodes = [aNode('one'), aNode('one-2', 'one'), aNode('one-3', 'one'), aNode('two')];
const local = aService('default/web', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
const on = (...names: string[]) =>
  names.map((nodeName, index) => aSlice('default/web', { name: nodeName, endpoints: [`10.244.${index}.5`], nodeName }));
/** Who answers for twenty addresses. */
const chosen = (service: typeof local, slices: ReturnType<typeof on>, among: readonly Node[]) => {
  const addresses = Array.from({ length: 20 }, (_, index) => `198.18.0.${index + 1}`);
  return [...new Set(addresses.map((address) => chooseNode(address, service, slices, among)))].sort();
};

for (const { name, pods, among = nodes, want } of [
  { name: 'is one with an endpoint', pods: ['two'], want: ['two'] },
  { name: 'is each in its turn where several have one', pods: ['one', 'two'], want: ['one', 'two'] },
  { name: 'is the machine of a further node that has the only one', pods: ['one-2'], want: ['one'] },
  { name: 'is a machine with its own rather than one with further nodes', pods: ['one-2', 'two'], want: ['two'] },
  {
    name: 'is the further node where its machine takes nothing',
    pods: ['one-2'],
    among: [aNode('one', undefined, 'False'), aNode('one-2', 'one'), aNode('two')],
    want: ['one-2'],
  },
  {
    name: 'is nobody where the node is not Ready',
    pods: ['two'],
    among: [aNode('two', undefined, 'False')],
    want: [undefined],
  },
  { name: 'is nobody without endpoints', pods: [], want: [undefined] },
]) {
  test(`under the policy Local the node that answers for an address ${name}`, () =>
    assert.deepEqual(chosen(local, on(...pods), among), want));
}

test('else every machine may, with endpoints or without', () => {
  assert.deepEqual(chosen(aService('default/web', { type: 'LoadBalancer' }), on('two'), nodes), ['one', 'two']);
});
