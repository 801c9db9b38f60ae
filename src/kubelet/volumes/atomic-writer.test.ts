import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type VolumeFiles, writeAtomically } from './atomic-writer.ts';

const dir = mkdtempSync(join(tmpdir(), 'atomic-'));
after(() => rmSync(dir, { recursive: true }));

const files = (content: Record<string, string>, mode = 0o644): VolumeFiles =>
  new Map(Object.entries(content).map(([path, text]) => [path, { content: Buffer.from(text), mode }]));

test('files appear behind a link and change all at once', async () => {
  const root = join(dir, 'a');
  assert.equal(await writeAtomically(root, files({ one: '1', 'deep/two': '2' })), true);
  assert.equal(readFileSync(join(root, 'deep/two'), 'utf8'), '2');
  const first = readlinkSync(join(root, '..data'));
  assert.equal(
    await writeAtomically(root, files({ one: '1', 'deep/two': '2' })),
    false,
    'the same is not written again',
  );
  assert.equal(readlinkSync(join(root, '..data')), first);
  assert.equal(await writeAtomically(root, files({ one: '11' })), true);
  assert.equal(readFileSync(join(root, 'one'), 'utf8'), '11');
  const left = readdirSync(root).sort();
  assert.deepEqual(
    left.filter((name) => !name.startsWith('..2')),
    ['..data', 'one'],
  );
  assert.equal(left.length, 3, 'the old files are gone');
});

test('modes are kept, and a group may read', async () => {
  const root = join(dir, 'b');
  await writeAtomically(root, files({ secret: 'x' }, 0o400));
  assert.equal(statSync(join(root, 'secret')).mode & 0o777, 0o400);
  await writeAtomically(root, files({ secret: 'y' }, 0o400), { gid: process.getgid!() });
  assert.equal(statSync(join(root, 'secret')).mode & 0o777, 0o440);
});

for (const path of ['../up', '/etc/passwd', 'a/../../b', '..data', 'a//b'])
  test(`the path ${path} is refused`, async () => {
    await assert.rejects(writeAtomically(join(dir, 'c'), files({ [path]: 'x' })), /must stay within the volume/);
  });
