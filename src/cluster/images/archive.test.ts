import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { readArchiveReferences } from './archive-reader.ts';
import { writeArchive } from './archive-writer.ts';
import { packLayer } from './layer.ts';
import { packRootfs } from './pack-rootfs.ts';

async function tempFolder(context: test.TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'images-test-'));
  context.after(() => rm(folder, { recursive: true }));
  return folder;
}

async function aRootfs(folder: string): Promise<string> {
  await mkdir(join(folder, 'bin'), { recursive: true });
  await writeFile(join(folder, 'bin/hello'), '#!/bin/sh\necho hello\n');
  await chmod(join(folder, 'bin/hello'), 0o755);
  await symlink('hello', join(folder, 'bin/hi'));
  await mkdir(join(folder, 'tmp'));
  await chmod(join(folder, 'tmp'), 0o1777);
  return folder;
}

async function entriesOf(tar: string) {
  const entries = extract();
  entries.end(await readFile(tar));
  const found: Record<string, { mode: number; linkname: string | null | undefined; text: string }> = {};
  for await (const entry of entries) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    const { name, mode, linkname } = entry.header;
    found[name] = { mode: mode ?? 0, linkname, text: Buffer.concat(chunks).toString() };
  }
  return found;
}

test('packLayer keeps modes, links and content', async (context) => {
  const folder = await tempFolder(context);
  const layer = await packLayer(await aRootfs(join(folder, 'root')), join(folder, 'layer.tar'));
  const entries = await entriesOf(layer.path);
  assert.equal(entries['bin/hello']?.mode, 0o755);
  assert.match(entries['bin/hello']?.text ?? '', /echo hello/);
  assert.equal(entries['bin/hi']?.linkname, 'hello');
  assert.equal(entries['tmp']?.mode, 0o1777);
});

test('packLayer gives the same digest for the same content, whenever it was written', async (context) => {
  const folder = await tempFolder(context);
  const first = await aRootfs(join(folder, 'first'));
  const second = await aRootfs(join(folder, 'second'));
  await utimes(join(second, 'bin/hello'), 1, 1);
  const layers = [await packLayer(first, join(folder, '1.tar')), await packLayer(second, join(folder, '2.tar'))];
  assert.equal(layers[0]!.digest, layers[1]!.digest);
});

test('packLayer refuses what is no file, folder or link', async (context) => {
  const folder = await tempFolder(context);
  const root = await aRootfs(join(folder, 'root'));
  const { createServer } = await import('node:net');
  const server = createServer().listen(join(root, 'socket'));
  context.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  await assert.rejects(packLayer(root, join(folder, 'layer.tar')), /only files, folders and symbolic links/);
});

test('an archive names its images in full, and its blobs are stored by their digest', async (context) => {
  const folder = await tempFolder(context);
  const out = join(folder, 'web.tar');
  await packRootfs(await aRootfs(join(folder, 'root')), { cmd: ['/bin/hello'] }, 'web:1', out);
  assert.deepEqual(await readArchiveReferences(out), ['docker.io/library/web:1']);
  const entries = await entriesOf(out);
  const index = JSON.parse(entries['index.json']!.text);
  const manifest = JSON.parse(entries[`blobs/${index.manifests[0].digest.replace(':', '/')}`]!.text);
  const config = JSON.parse(entries[`blobs/${manifest.config.digest.replace(':', '/')}`]!.text);
  assert.deepEqual(config.config.Cmd, ['/bin/hello']);
  assert.deepEqual(config.rootfs.diff_ids, [manifest.layers[0].digest]);
});

test('images of one archive share layers', async (context) => {
  const folder = await tempFolder(context);
  const layer = await packLayer(await aRootfs(join(folder, 'root')), join(folder, 'layer.tar'));
  const images = ['a:1', 'a:2'].map((name) => ({ references: [name], layers: [layer], config: { cmd: [name] } }));
  await writeArchive(images, join(folder, 'a.tar'));
  const entries = await entriesOf(join(folder, 'a.tar'));
  assert.equal(Object.keys(entries).filter((name) => name.startsWith('blobs/')).length, 5);
  assert.deepEqual(await readArchiveReferences(join(folder, 'a.tar')), [
    'docker.io/library/a:1',
    'docker.io/library/a:2',
  ]);
});

test('readArchiveReferences reads a gzipped archive and refuses what is none', async (context) => {
  const folder = await tempFolder(context);
  const out = join(folder, 'web.tar');
  await packRootfs(await aRootfs(join(folder, 'root')), {}, 'web:1', out);
  await writeFile(`${out}.gz`, gzipSync(await readFile(out)));
  assert.deepEqual(await readArchiveReferences(`${out}.gz`), ['docker.io/library/web:1']);
  await writeFile(join(folder, 'text'), 'x'.repeat(5000));
  await assert.rejects(readArchiveReferences(join(folder, 'text')), /not a readable image archive/);
  await packLayer(join(folder, 'root'), join(folder, 'plain.tar'));
  await assert.rejects(readArchiveReferences(join(folder, 'plain.tar')), /neither an OCI nor a docker/);
  await assert.rejects(readArchiveReferences(join(folder, 'absent')), /ENOENT/);
});
