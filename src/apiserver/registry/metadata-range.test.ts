import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { Entry } from './entry.ts';
import { partialFormat } from './format-partial.ts';
import { protobufFormat } from './format-protobuf.ts';
import { findMetadata, parseLabels, parseUnmanaged } from './metadata-range.ts';

const managedFields = [
  { manager: 'a "quoted" } ] \\', fieldsV1: { 'f:spec': { 'k:{"type":"Ready"}': { '.': {} }, 'v:"}]"': {} } } },
];
const template = { metadata: { labels: { inner: 'x' }, managedFields: [{ manager: 'inner' }] } };
const metadatas = {
  plain: { name: 'a' },
  labelled: { name: 'a', labels: { 'k-ü': 'v', managedFields: 'x' } },
  managed: {
    name: 'a',
    labels: { app: 'web' },
    annotations: { labels: '{"labels":{"no":1},"managedFields":[' },
    managedFields,
  },
  unlabelled: { name: 'a', annotations: { note: 'ends in \\', 'brace}': '{[' }, managedFields },
  owned: { name: 'a', ownerReferences: [{ name: 'o', uid: 'u' }], finalizers: ['x/y'] },
  onlyManaged: { managedFields },
};

for (const [name, metadata] of Object.entries(metadatas)) {
  test(`metadata that is ${name} is found, and read without managedFields`, () => {
    const object = { kind: 'K', apiVersion: 'v1', metadata, spec: { template }, status: { text: '日本 "}' } };
    const json = Buffer.from(JSON.stringify(object));
    const range = findMetadata(json, json.indexOf('"metadata"'));
    assert.deepEqual(JSON.parse(json.toString('utf8', range.start, range.end)), metadata);
    const { managedFields: _, ...own } = metadata as { managedFields?: unknown };
    assert.deepEqual(parseUnmanaged(json, range), { ...object, metadata: own });
    assert.deepEqual(parseLabels(json, range), (metadata as { labels?: object }).labels);
  });
}

test('objects larger than any before are read whole', () => {
  for (const size of [10_000, 40_000, 1_000_000]) {
    const object = { kind: 'K', apiVersion: 'v1', metadata: { name: 'a' }, data: { text: 'é'.repeat(size) } };
    const json = Buffer.from(JSON.stringify({ ...object, metadata: { name: 'a', managedFields } }));
    assert.deepEqual(parseUnmanaged(json, findMetadata(json, json.indexOf('"metadata"'))), object);
  }
});

test('an entry without labels has none of its template', () => {
  const stored = Buffer.from(
    JSON.stringify({ kind: 'K', apiVersion: 'v1', metadata: { name: 'a' }, spec: { template } }),
  );
  const entry = new Entry('/k/ns/a', 3, stored, 7);
  assert.equal(Object.keys(entry.labels).length, 0);
  assert.deepEqual(entry.metadata(), { resourceVersion: '7', name: 'a' });
});

test('metadata in protobuf is the same, taken out of the whole encoding or made alone', () => {
  const resource = { group: '', version: 'v1', kind: 'Pod', typeName: 'io.k8s.api.core.v1.Pod', listKind: 'PodList' };
  const info = { ...resource, storage: resource, rules: {} } as unknown as ResourceInfo;
  const metadata = { name: 'a', annotations: { text: 'x'.repeat(300) } };
  const entryOf = () =>
    new Entry('/k/ns/a', 3, Buffer.from(JSON.stringify({ kind: 'Pod', apiVersion: 'v1', metadata, spec: {} })), 7);
  const partial = partialFormat(info, 'v1', 'protobuf');
  const seen = entryOf();
  protobufFormat(info).single(seen);
  assert.deepEqual(Buffer.from(partial.single(seen)), Buffer.from(partial.single(entryOf())));
});
