import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readNodeGroups } from './node-groups.ts';

test('groups are read from the command line', () => {
  assert.deepEqual(readNodeGroups('small=0:5:2:4Gi,large=1:3:32:128Gi').groups, [
    { name: 'small', min: 0, max: 5, resources: { cpu: '2', memory: '4Gi' } },
    { name: 'large', min: 1, max: 3, resources: { cpu: '32', memory: '128Gi' } },
  ]);
});

test('a file says more', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'groups-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'groups.yaml');
  writeFileSync(
    file,
    'expander: random\nscaleDownUnneededTime: 2m\ngroups:\n- {name: gpu, min: 0, max: 2, resources: {cpu: 8, memory: 32Gi}, labels: {a: b}}\n',
  );
  assert.deepEqual(readNodeGroups(file), {
    expander: 'random',
    times: { scaleDownUnneededTime: 120_000 },
    groups: [{ name: 'gpu', min: 0, max: 2, labels: { a: 'b' }, resources: { cpu: '8', memory: '32Gi' } }],
  });
});

for (const [text, problem] of [
  ['small', /neither a file nor NAME=MIN:MAX:CPU:MEMORY/],
  ['small=3:1', /sizes must be/],
  ['a=0:1,a=0:1', /two groups "a"/],
  ['a=0:1:x:1Gi', /"x" is no quantity/],
  ['A_=0:1', /no name/],
] as const)
  test(`${text} is refused`, () => assert.throws(() => readNodeGroups(text), problem));
