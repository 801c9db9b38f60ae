import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Mounter } from './mounter.ts';
import { bindSubPath } from './sub-path.ts';

const dir = mkdtempSync(join(tmpdir(), 'sub-path-'));
after(() => rmSync(dir, { recursive: true }));

const volume = join(dir, 'volume');
mkdirSync(join(volume, 'here/below'), { recursive: true });
mkdirSync(join(dir, 'outside'));
writeFileSync(join(dir, 'outside/secret'), 'secret');
writeFileSync(join(volume, 'here/file'), 'content');
symlinkSync('here/file', join(volume, 'inner'));
symlinkSync('../outside', join(volume, 'out'));
symlinkSync('/etc', join(volume, 'absolute'));
symlinkSync('loop', join(volume, 'loop'));
symlinkSync('../..', join(volume, 'here/up'));

/** Reads through the descriptor that would be mounted, while it is open. */
async function bound(subPath: string): Promise<string> {
  let content = '';
  const mounter = {
    mountsBelow: async () => [],
    bind: async (source: string) => {
      content = readFileSync(source, 'utf8');
    },
  } as Partial<Mounter> as Mounter;
  await bindSubPath(mounter, volume, subPath, join(dir, 'target'));
  return content;
}

test('a sub path is mounted by its descriptor, and links inside the volume are followed', async () => {
  assert.equal(await bound('here/file'), 'content');
  assert.equal(await bound('inner'), 'content');
  assert.equal(await bound('here/below/../file'), 'content');
});

for (const path of ['out/secret', 'absolute/passwd', 'loop', '../outside/secret', 'here/up/outside/secret'])
  test(`the sub path ${path} does not lead out of its volume`, async () => {
    await assert.rejects(bound(path), /out of its volume/);
  });
