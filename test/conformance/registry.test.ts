import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { writeArchive } from '../../src/cluster/images/archive-writer.ts';
import { packLayer } from '../../src/cluster/images/layer.ts';
import { Registry } from './registry.ts';

test('the registry gives out what an archive holds, to the byte', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-registry-'));
  const registry = new Registry();
  try {
    await mkdir(join(folder, 'root'));
    await writeFile(join(folder, 'root/hello'), 'hello');
    const layer = await packLayer(join(folder, 'root'), join(folder, 'layer.tar'));
    const archive = join(folder, 'image.tar');
    await writeArchive([{ references: ['registry.k8s.io/tests/hello:1'], layers: [layer], config: {} }], archive);
    await registry.add(archive);
    const url = await registry.listen('127.0.0.1');
    const get = (path: string) => fetch(`${url}/v2/${path}`);
    const answer = await get('tests/hello/manifests/1?ns=registry.k8s.io');
    const manifest = (await answer.json()) as { layers: { digest: string }[] };
    assert.equal(manifest.layers[0]?.digest, layer.digest);
    const blob = Buffer.from(await (await get(`tests/hello/blobs/${layer.digest}`)).arrayBuffer());
    assert.equal(`sha256:${createHash('sha256').update(blob).digest('hex')}`, layer.digest);
    assert.equal((await get('tests/hello/manifests/2')).status, 404);
  } finally {
    registry.close();
    await rm(folder, { recursive: true });
  }
});
