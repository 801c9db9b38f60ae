import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { giveToGroup } from './ownership.ts';

const isRoot = process.getuid?.() === 0;
const gid = 4321;
const base = mkdtempSync(join(tmpdir(), 'ownership-'));
after(() => rmSync(base, { recursive: true, force: true }));

const text = (path: string): string => {
  const { gid, mode } = lstatSync(path);
  return `${gid} ${(mode & 0o7777).toString(8)}`;
};

function aVolume(name: string): string {
  const root = join(base, name);
  mkdirSync(join(root, 'folder'), { recursive: true });
  for (const path of [root, join(root, 'folder')]) chmodSync(path, 0o755);
  for (const file of ['file', 'folder/inner']) writeFileSync(join(root, file), '', { mode: 0o600 });
  return root;
}

test('all of a volume is the group’s, links and pipes themselves too, and nothing that links lead to', {
  skip: !isRoot,
}, async () => {
  const root = aVolume('whole');
  const outside = join(base, 'outside');
  writeFileSync(outside, '', { mode: 0o600 });
  symlinkSync(outside, join(root, 'folder/link'));
  execFileSync('mkfifo', ['-m', '600', join(root, 'pipe')]);
  await giveToGroup(root, { gid });
  assert.equal(text(root), `${gid} 2775`);
  assert.equal(text(join(root, 'folder')), `${gid} 2775`);
  for (const name of ['file', 'folder/inner', 'pipe']) assert.equal(text(join(root, name)), `${gid} 660`, name);
  assert.equal(lstatSync(join(root, 'folder/link')).gid, gid);
  assert.equal(text(outside), '0 600');
});

test('the group may read only what is read-only, and of a root that is its own nothing is looked at', {
  skip: !isRoot,
}, async () => {
  const root = aVolume('read-only');
  await giveToGroup(root, { gid, isReadOnly: true });
  assert.deepEqual([text(root), text(join(root, 'file'))], [`${gid} 2755`, `${gid} 640`]);
  await giveToGroup(root, { gid, onlyOnMismatch: true, isReadOnly: true });
  chmodSync(join(root, 'file'), 0o600);
  await giveToGroup(root, { gid, onlyOnMismatch: true, isReadOnly: true });
  assert.equal(text(join(root, 'file')), `${gid} 600`);
  await giveToGroup(root, { gid, onlyOnMismatch: true });
  assert.deepEqual([text(root), text(join(root, 'file'))], [`${gid} 2775`, `${gid} 660`]);
});

test('the root changes last: who was interrupted begins again', { skip: !isRoot }, async () => {
  const root = aVolume('interrupted');
  const stop = () => {
    throw new Error('interrupted');
  };
  await assert.rejects(giveToGroup(root, { gid, onlyOnMismatch: true, onChanged: stop }), /interrupted/);
  assert.equal(text(root), '0 755');
});

test('folders that become links while it walks lead nowhere', { skip: !isRoot }, async () => {
  const victim = join(base, 'victim');
  mkdirSync(victim);
  chmodSync(victim, 0o700);
  writeFileSync(join(victim, 'inner'), '', { mode: 0o600 });
  const root = join(base, 'swapped');
  mkdirSync(root);
  const names = Array.from({ length: 40 }, (_, index) => join(root, String(index)));
  for (const name of names) {
    mkdirSync(name);
    writeFileSync(join(name, 'inner'), '', { mode: 0o600 });
  }
  // Another process turns folders into links to the victim and back, without pause, as long as the walks last.
  const swapper = new AbortController();
  const swapping = (async () => {
    for (let turn = 0; !swapper.signal.aborted; turn = (turn + 1) % names.length) {
      const name = names[turn]!;
      renameSync(name, `${root}-aside`);
      symlinkSync(victim, name);
      await new Promise((done) => setImmediate(done));
      rmSync(name);
      renameSync(`${root}-aside`, name);
      await new Promise((done) => setImmediate(done));
    }
  })();
  for (let walk = 0; walk < 20; walk++) await giveToGroup(root, { gid });
  swapper.abort();
  await swapping;
  assert.deepEqual([text(victim), text(join(victim, 'inner'))], ['0 700', '0 600']);
});
