import assert from 'node:assert/strict';
import test from 'node:test';
import type { Node, Taint } from '../../../generated/core-v1.ts';
import { planTaints } from './plan-taints.ts';

const aNode = (conditions: Record<string, 'True' | 'False' | 'Unknown'>, taints: Taint[] = []): Node => ({
  metadata: { name: 'n' },
  spec: { taints },
  status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
});
const keys = (taints: readonly Taint[]) => taints.map(({ key, effect }) => `${key.split('/')[1]}:${effect}`);

for (const { name, node, evicts, want } of [
  { name: 'leaves a ready node without taints', node: aNode({ Ready: 'True' }), evicts: true, want: [] },
  {
    name: 'keeps pods away from a node that is not ready, and drives them out',
    node: aNode({ Ready: 'False' }),
    evicts: true,
    want: ['not-ready:NoSchedule', 'not-ready:NoExecute'],
  },
  {
    name: 'drives nobody out while no node works',
    node: aNode({ Ready: 'Unknown' }),
    evicts: false,
    want: ['unreachable:NoSchedule'],
  },
  {
    name: 'turns pressure into a taint',
    node: aNode({ Ready: 'True', DiskPressure: 'True' }),
    evicts: true,
    want: ['disk-pressure:NoSchedule'],
  },
  {
    name: 'takes its own away and keeps those of others',
    node: aNode({ Ready: 'True' }, [
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
      { key: 'example.com/mine', effect: 'NoSchedule' },
    ]),
    evicts: true,
    want: ['mine:NoSchedule'],
  },
]) {
  test(`planTaints ${name}`, () => assert.deepEqual(keys(planTaints(node, { evicts, nowMs: 0 })), want));
}
