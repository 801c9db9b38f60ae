import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { ensureWireGuardKey, isWireGuardKey } from './wireguard-key.ts';

test('a node keeps its key, gets another when the file is gone or spoilt, and nobody else reads it', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'wireguard-key-'));
  context.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'key');
  const first = await ensureWireGuardKey(file);
  assert.equal(isWireGuardKey(first), true);
  assert.equal(await ensureWireGuardKey(file), first);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.notEqual((await readFile(file, 'utf8')).trim(), first);
  await rm(file);
  const second = await ensureWireGuardKey(file);
  await writeFile(file, 'not a key');
  const third = await ensureWireGuardKey(file);
  assert.equal(new Set([first, second, third]).size, 3);
});
