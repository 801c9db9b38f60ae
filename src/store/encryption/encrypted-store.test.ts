import assert from 'node:assert/strict';
import { createCipheriv, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { storeContract } from '../contract.ts';
import { openMemoryStore } from '../engines/memory.ts';
import type { Store } from '../store.ts';
import { type EncryptionConfiguration, type Provider, parseEncryptionConfiguration } from './configuration.ts';
import { EncryptedStore } from './encrypted-store.ts';
import { isSealed, Sealer, UnreadableValueError } from './sealer.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined) => (value ? Buffer.from(value).toString() : undefined);
const key = (name: string, size = 32) => ({ name, secret: randomBytes(size) });
const configuration = (...providers: Provider[]): EncryptionConfiguration => ({
  rules: [{ resources: ['secrets'], providers }],
});
const identity: Provider = { type: 'identity', keys: [] };
const placeOf = (at: string) => {
  const [, group = '', resource = ''] = at.slice(1).split('/');
  return { group: group === 'core' ? '' : group, resource };
};

async function above(store: Store, ...providers: Provider[]): Promise<EncryptedStore> {
  return new EncryptedStore({ store, sealer: await Sealer.create(configuration(...providers)), placeOf });
}

const secret = '/registry/core/secrets/default/one';
const configMap = '/registry/core/configmaps/default/one';

storeContract('encrypted', async () => {
  const sealer = await Sealer.create({
    rules: [{ resources: ['*.*'], providers: [{ type: 'aesgcm', keys: [key('a')] }] }],
  });
  return new EncryptedStore({ store: openMemoryStore(), sealer, placeOf });
});

for (const type of ['aesgcm', 'aescbc', 'secretbox'] as const) {
  test(`${type} keeps named resources from whoever reads the disk, and only those`, async () => {
    await using disk = openMemoryStore();
    const store = await above(disk, { type, keys: [key('key1')] }, identity);
    await store.commit([{ key: secret, value: bytes('{"data":"hidden"}') }]);
    await store.commit([{ key: configMap, value: bytes('{"data":"plain"}') }]);
    const stored = await disk.get(secret);
    assert.ok(text(stored!.value)!.startsWith(`k8s:enc:${type}:v1:key1:`));
    assert.ok(!text(stored!.value)!.includes('hidden'));
    assert.equal(text((await disk.get(configMap))?.value), '{"data":"plain"}');
    assert.equal(text((await store.get(secret))?.value), '{"data":"hidden"}');
    const { items } = await store.range({ prefix: '/registry/core/secrets/' });
    assert.deepEqual(
      items.map((item) => text(item.value)),
      ['{"data":"hidden"}'],
    );
  });
}

test('a value moved to another key, or changed, does not open', async () => {
  await using disk = openMemoryStore();
  const store = await above(disk, { type: 'aesgcm', keys: [key('key1')] }, identity);
  await store.commit([{ key: secret, value: bytes('hidden') }]);
  const { value } = (await disk.get(secret))!;
  await disk.commit([{ key: `${secret}-moved`, value }]);
  await assert.rejects(store.get(`${secret}-moved`), UnreadableValueError);
  const changed = Buffer.from(value);
  changed[changed.length - 20]! ^= 1;
  await disk.commit([{ key: secret, value: changed }]);
  await assert.rejects(store.get(secret), /unable to transform key ".*one": cipher: message authentication failed/);
});

test('values open with upstream’s layout of AES-GCM: nonce, sealed bytes, tag, bound to the key', async () => {
  await using disk = openMemoryStore();
  const own = key('key1');
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', own.secret, nonce);
  cipher.setAAD(Buffer.from(secret));
  const sealed = Buffer.concat([cipher.update('from elsewhere'), cipher.final(), cipher.getAuthTag()]);
  await disk.commit([{ key: secret, value: Buffer.concat([bytes('k8s:enc:aesgcm:v1:key1:'), nonce, sealed]) }]);
  const store = await above(disk, { type: 'aesgcm', keys: [own] });
  assert.equal(text((await store.get(secret))?.value), 'from elsewhere');
});

test('a key is replaced while its values stay readable, until none is left under it', async () => {
  await using disk = openMemoryStore();
  const [old, fresh] = [key('old'), key('fresh')];
  const store = await above(disk, identity);
  await store.commit([{ key: secret, value: bytes('made before encryption') }]);
  store.use(await Sealer.create(configuration({ type: 'aesgcm', keys: [old] }, identity)));
  await store.commit([{ key: `${secret}-2`, value: bytes('under the old key') }]);
  store.use(await Sealer.create(configuration({ type: 'aesgcm', keys: [fresh, old] }, identity)));
  assert.equal(await store.isStale(secret), true);
  assert.equal(text((await store.get(`${secret}-2`))?.value), 'under the old key');
  assert.deepEqual(await store.rewrite('/registry/'), { examined: 2, rewritten: 2 });
  assert.deepEqual(await store.rewrite('/registry/'), { examined: 2, rewritten: 0 });
  assert.equal(await store.isStale(secret), false);
  const alone = await above(disk, { type: 'aesgcm', keys: [fresh] });
  assert.equal(text((await alone.get(secret))?.value), 'made before encryption');
  for (const { value } of (await disk.range({ prefix: '/' })).items) assert.ok(isSealed(value));
});

test('what was sealed just before a key went is still read until the sealer before is let go', async () => {
  await using disk = openMemoryStore();
  const store = await above(disk, { type: 'aesgcm', keys: [key('old')] });
  await store.commit([{ key: secret, value: bytes('under way') }]);
  const release = store.use(await Sealer.create(configuration({ type: 'aesgcm', keys: [key('fresh')] })));
  assert.equal(text((await store.get(secret))?.value), 'under way');
  assert.equal(await store.isStale(secret), true);
  release();
  await assert.rejects(store.get(secret), UnreadableValueError);
});

test('a sealer is tried on all that is stored before it is used', async () => {
  await using disk = openMemoryStore();
  const [old, fresh] = [key('old'), key('fresh')];
  const store = await above(disk, { type: 'aesgcm', keys: [old] });
  await store.commit([{ key: secret, value: bytes('x') }]);
  await store.verify(await Sealer.create(configuration({ type: 'aesgcm', keys: [fresh, old] })), '/registry/');
  const without = await Sealer.create(configuration({ type: 'aesgcm', keys: [fresh] }, identity));
  await assert.rejects(store.verify(without, '/registry/'), UnreadableValueError);
});

test('without the key a value is refused, and the message names the key that is needed', async () => {
  await using disk = openMemoryStore();
  await (await above(disk, { type: 'aesgcm', keys: [key('gone')] })).commit([{ key: secret, value: bytes('x') }]);
  const store = await above(disk, { type: 'aesgcm', keys: [key('other')] }, identity);
  await assert.rejects(store.get(secret), /no matching key was found: it was sealed as "k8s:enc:aesgcm:v1:gone:"/);
});

test('a configuration of upstream’s shape is understood, the first rule that names a resource counts', () => {
  const base64 = randomBytes(32).toString('base64');
  const { rules } = parseEncryptionConfiguration(`
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [events]
  providers: [{identity: {}}]
- resources: ['*.apps', widgets.example.com, '*.']
  providers:
  - secretbox: {keys: [{name: box, secret: ${base64}}]}
  - aesgcm: {keys: [{name: one, secret: ${base64}}, {name: two, secret: ${base64}}]}
  - identity: {}
`);
  assert.deepEqual(
    rules[1]!.providers.map(({ type, keys }) => [type, ...keys.map(({ name }) => name)]),
    [['secretbox', 'box'], ['aesgcm', 'one', 'two'], ['identity']],
  );
});

for (const { title, yaml, message } of [
  { title: 'a short key', yaml: 'aesgcm: {keys: [{name: a, secret: c2hvcnQ=}]}', message: /16, 24, 32 bytes/ },
  { title: 'a key service of old', yaml: 'kms: {name: a}', message: /kms\.apiVersion: v1 is deprecated/ },
  {
    title: 'a key service elsewhere',
    yaml: 'kms: {apiVersion: v2, name: a, endpoint: "tcp://10.0.0.1:1"}',
    message: /unsupported scheme "tcp" for KMS provider, only unix is supported/,
  },
  {
    title: 'two key services of one name',
    yaml: 'kms: {apiVersion: v2, name: a, endpoint: "unix:///s"}\n  - kms: {apiVersion: v2, name: a, endpoint: "unix:///t"}',
    message: /duplicate KMS provider name a, names must be unique/,
  },
  { title: 'an unknown provider', yaml: 'rot13: {}', message: /unknown provider "rot13"/ },
  { title: 'no keys', yaml: 'aescbc: {keys: []}', message: /providers\[0\]\.aescbc\.keys: must be a list/ },
]) {
  test(`a configuration with ${title} is refused, with the place and without the key`, () => {
    const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n';
    const read = () => parseEncryptionConfiguration(`${head}- resources: [secrets]\n  providers:\n  - ${yaml}\n`);
    assert.throws(read, (error: Error) => message.test(error.message) && !error.message.includes('c2hvcnQ'));
  });
}
