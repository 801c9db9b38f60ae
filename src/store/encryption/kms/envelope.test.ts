import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { FakeClock } from '../../../base/clock-fake.ts';
import { openMemoryStore } from '../../engines/memory.ts';
import type { Store } from '../../store.ts';
import { parseEncryptionConfiguration } from '../configuration.ts';
import { EncryptedStore } from '../encrypted-store.ts';
import { Sealer, UnreadableValueError } from '../sealer.ts';
import { connectKeyService } from './key-service.ts';
import { KeyPlugin } from './plugin-for-tests.ts';
import { decodeMessage, type Envelope, encodeMessage } from './protocol.ts';

const configuration = (socket: string, ...more: string[]) =>
  parseEncryptionConfiguration(
    [
      'apiVersion: apiserver.config.k8s.io/v1',
      'kind: EncryptionConfiguration',
      'resources:',
      '- resources: [secrets]',
      '  providers:',
      `  - kms: {apiVersion: v2, name: vault, endpoint: 'unix://${socket}', timeout: 5s}`,
      ...more,
    ].join('\n'),
  );

const key = '/registry/core/secrets/default/one';
const prefix = '/registry/core/secrets/';
const mark = 'k8s:enc:kms:v2:vault:';
const placeOf = () => ({ group: '', resource: 'secrets' });
const plain = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();
const put = (store: Store, name: string, value: string) =>
  store.commit([{ key: `${prefix}default/${name}`, value: Buffer.from(value) }]);

function stored(value: Uint8Array): Envelope {
  assert.equal(Buffer.from(value.subarray(0, mark.length)).toString(), mark);
  return decodeMessage('EncryptedObject', value.subarray(mark.length));
}

async function over(disk: Store, plugin: KeyPlugin, clock = new FakeClock(0)) {
  return new EncryptedStore({ store: disk, sealer: await Sealer.create(configuration(plugin.socket), clock), placeOf });
}

test('many values are sealed with one seed, which the service is asked for once', async () => {
  await using plugin = await KeyPlugin.start();
  await using disk = openMemoryStore();
  const store = await over(disk, plugin);
  for (let index = 0; index < 50; index++) await put(store, `s${index}`, `hidden ${index}`);
  const { items } = await store.range({ prefix });
  assert.deepEqual(new Set(items.map((item) => plain(item.value)?.slice(0, 6))), new Set(['hidden']));
  assert.deepEqual(plugin.asked, ['Status', 'Encrypt']);
  const sealed = (await disk.range({ prefix })).items.map(({ value }) => stored(value));
  assert.equal(
    new Set(sealed.map(({ encryptedDEKSource }) => Buffer.from(encryptedDEKSource).toString('hex'))).size,
    1,
  );
  assert.equal(
    new Set(sealed.map(({ encryptedData }) => Buffer.from(encryptedData).toString('hex').slice(0, 64))).size,
    50,
  );
  assert.ok(sealed.every((each) => each.keyID === 'key-1' && each.encryptedDEKSourceType === 1));
  store.sealer.close();
});

test('a server that starts later asks the service for the seeds it finds, each of them once', async () => {
  await using plugin = await KeyPlugin.start();
  await using disk = openMemoryStore();
  const first = await over(disk, plugin);
  for (const name of ['a', 'b', 'c']) await put(first, name, name);
  first.sealer.close();
  const second = await over(disk, plugin);
  const { items } = await second.range({ prefix });
  assert.deepEqual(
    items.map(({ value }) => plain(value)),
    ['a', 'b', 'c'],
  );
  assert.equal(plugin.asked.filter((method) => method === 'Decrypt').length, 1);
  second.sealer.close();
});

test('when the service has a new key, values are written with it, and old ones are rewritten on demand', async () => {
  await using plugin = await KeyPlugin.start();
  await using disk = openMemoryStore();
  const clock = new FakeClock(0);
  const store = await over(disk, plugin, clock);
  await put(store, 'one', 'first');
  plugin.rotate();
  await clock.advance(60_000);
  while (!(await store.isStale(key))) await new Promise(setImmediate);
  await put(store, 'two', 'second');
  assert.equal(stored((await disk.get(`${prefix}default/two`))!.value).keyID, 'key-2');
  assert.deepEqual(await store.rewrite(prefix), { examined: 2, rewritten: 1 });
  plugin.forget('key-1');
  store.sealer.close();
  const later = await over(disk, plugin);
  assert.equal(plain((await later.get(key))?.value), 'first');
  later.sealer.close();
});

test('while the service is not well its problem is told, and three minutes later nothing is written', async () => {
  await using plugin = await KeyPlugin.start();
  await using disk = openMemoryStore();
  const clock = new FakeClock(0);
  const store = await over(disk, plugin, clock);
  await put(store, 'one', 'x');
  plugin.health = 'sealed';
  await clock.advance(60_000);
  while (!store.sealer.problem) await new Promise(setImmediate);
  assert.equal(store.sealer.problem, 'the key service vault: got unexpected healthz status: sealed');
  await put(store, 'two', 'still written');
  await clock.advance(125_000);
  await assert.rejects(
    async () => put(store, 'three', 'x'),
    /encryptedDEKSource with keyID hash "sha256:\w{64}" expired/,
  );
  assert.equal(plain((await store.get(key))?.value), 'x');
  store.sealer.close();
});

test('a value whose key the service has lost is refused by name', async () => {
  await using plugin = await KeyPlugin.start();
  await using disk = openMemoryStore();
  const store = await over(disk, plugin);
  await put(store, 'one', 'x');
  store.sealer.close();
  plugin.rotate();
  plugin.forget('key-1');
  const later = await over(disk, plugin);
  await assert.rejects(later.get(key), (error: Error) => {
    assert.ok(error instanceof UnreadableValueError);
    assert.match(error.message, /unable to transform key ".*one": failed to decrypt DEK, error: no key key-1/);
    return true;
  });
  later.sealer.close();
});

test('what upstream stored opens: sealed with a key derived from a seed, or with a key itself', async () => {
  await using plugin = await KeyPlugin.start();
  await using disk = openMemoryStore();
  const service = connectKeyService(plugin.socket, 5000);
  for (const type of [1, 0]) {
    const [source, info, nonce] = [randomBytes(32), randomBytes(32), randomBytes(12)];
    const derived = type === 1 ? expandOnly(source, info) : source;
    const cipher = createCipheriv('aes-256-gcm', derived, nonce);
    cipher.setAAD(Buffer.from(key));
    const sealed = [nonce, cipher.update('from elsewhere'), cipher.final(), cipher.getAuthTag()];
    const { ciphertext, keyId, annotations } = await service.encrypt(source, 'uid');
    const envelope = {
      encryptedData: Buffer.concat(type === 1 ? [info, ...sealed] : sealed),
      keyID: keyId,
      encryptedDEKSource: ciphertext,
      annotations,
      encryptedDEKSourceType: type,
    };
    const value = Buffer.concat([Buffer.from(mark), encodeMessage('EncryptedObject', envelope)]);
    await disk.commit([{ key, value }]);
    const store = await over(disk, plugin);
    assert.equal(plain((await store.get(key))?.value), 'from elsewhere');
    assert.equal(await store.isStale(key), type === 0);
    store.sealer.close();
  }
  service.close();
});

/** The first block of the second half of RFC 5869, of nothing but hashes. */
function expandOnly(seed: Buffer, info: Buffer): Buffer {
  const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest();
  const [inner, outer] = [Buffer.alloc(64, 0x36), Buffer.alloc(64, 0x5c)];
  for (const [at, byte] of seed.entries()) {
    inner[at]! ^= byte;
    outer[at]! ^= byte;
  }
  return sha256(outer, sha256(inner, info, Buffer.of(1)));
}
