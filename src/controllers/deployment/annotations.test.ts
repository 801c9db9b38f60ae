import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaSet } from '../../../generated/apps-v1.ts';
import { compareRevisions, lastRevision, revisionAnnotation, revisionOf } from './annotations.ts';

const set = (revision?: string): ReplicaSet => ({
  metadata: {
    name: `of-${revision}`,
    ...(revision === undefined ? {} : { annotations: { [revisionAnnotation]: revision } }),
  },
  spec: { selector: {} },
});

for (const { text, want } of [
  { text: undefined, want: 0n },
  { text: '7', want: 7n },
  { text: 'seven', want: 0n },
  { text: '3546343826724305832', want: 3546343826724305832n },
])
  test(`revisionOf reads ${text}`, () => assert.equal(revisionOf(set(text)), want));

test('revisions that no number tells apart are told apart', () => {
  const [older, newer] = [set('3546343826724305832'), set('3546343826724305833')];
  assert.equal(compareRevisions(older, newer), -1);
  assert.equal(lastRevision([older, newer, set('9')]), 3546343826724305833n);
  assert.equal(lastRevision([]), 0n);
});
