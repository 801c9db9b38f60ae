import assert from 'node:assert/strict';
import test from 'node:test';
import type { Pod } from '../../../generated/core-v1.ts';
import { pickVictims } from './pod-ranking.ts';

const nowMs = Date.UTC(2030, 0, 2);
const ago = (seconds: number) => new Date(nowMs - seconds * 1000).toISOString();

interface Shape {
  node?: string;
  phase?: 'Pending' | 'Running';
  readyFor?: number;
  cost?: string;
  restarts?: number;
  age?: number;
}

function aPod(name: string, { node = 'n', phase = 'Running', readyFor, cost, restarts = 0, age = 3600 }: Shape): Pod {
  const conditions =
    readyFor === undefined ? [] : [{ type: 'Ready', status: 'True' as const, lastTransitionTime: ago(readyFor) }];
  const annotations: Record<string, string> = cost ? { 'controller.kubernetes.io/pod-deletion-cost': cost } : {};
  return {
    metadata: { name, uid: name, annotations, creationTimestamp: ago(age) },
    spec: { containers: [], ...(node ? { nodeName: node } : {}) },
    status: { phase, conditions, containerStatuses: [{ name: 'c', restartCount: restarts } as never] },
  };
}

for (const { name, a, b } of [
  { name: 'one that no node has', a: { node: '', phase: 'Pending' }, b: { phase: 'Pending' } },
  { name: 'one that is pending', a: { phase: 'Pending' }, b: {} },
  { name: 'one that is not ready', a: {}, b: { readyFor: 10 } },
  { name: 'the cheaper one', a: { readyFor: 1000, cost: '-5' }, b: { readyFor: 10 } },
  { name: 'one that became ready much later', a: { readyFor: 5 }, b: { readyFor: 500 } },
  { name: 'one that restarted more often', a: { restarts: 3 }, b: { restarts: 1 } },
  { name: 'the much younger one', a: { age: 10 }, b: { age: 1000 } },
] as { name: string; a: Shape; b: Shape }[]) {
  test(`of two pods, ${name} goes first`, () => {
    const pods = [aPod('b', b), aPod('a', a)];
    assert.deepEqual(
      pickVictims(pods, pods, 1, nowMs).map(({ metadata }) => metadata.name),
      ['a'],
    );
  });
}

test('of two pods, the one that shares its node goes first', () => {
  const pods = [aPod('alone', { node: 'n1', readyFor: 10 }), aPod('shared', { node: 'n2', readyFor: 10 })];
  const related = [...pods, aPod('sibling', { node: 'n2', readyFor: 10 })];
  assert.deepEqual(
    pickVictims(pods, related, 1, nowMs).map(({ metadata }) => metadata.name),
    ['shared'],
  );
});
