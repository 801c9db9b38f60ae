import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { resolvConfFile } from './resolv-conf.ts';

for (const { name, usual, real, is } of [
  { name: 'the usual file is taken', usual: 'nameserver 192.0.2.53\n', real: 'nameserver 192.0.2.1\n', is: 'usual' },
  {
    name: 'a stub on loopback is passed by',
    usual: 'nameserver 127.0.0.53\n',
    real: 'nameserver 192.0.2.1\n',
    is: 'real',
  },
  { name: 'a stub without anything behind it is kept', usual: 'nameserver 127.0.0.53\n', real: '', is: 'usual' },
]) {
  test(`resolvers: ${name}`, async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'resolv-conf-'));
    context.after(() => rm(folder, { recursive: true }));
    const files = { usual: join(folder, 'usual'), real: join(folder, 'real') };
    await writeFile(files.usual, usual);
    await writeFile(files.real, real);
    assert.equal(await resolvConfFile(files), join(folder, is));
  });
}
