import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyJsonPatch } from './json-patch.ts';
import { applyMergePatch } from './merge-patch.ts';
import { decodeJsonPatch, decodeMergePatch } from './patch-body.ts';
import { applyStrategicMerge } from './strategic-merge.ts';
import { decodeApplyPatch } from './yaml-body.ts';

const podType = 'io.k8s.api.core.v1.Pod';
const deploymentType = 'io.k8s.api.apps.v1.Deployment';
const strategic = (original: unknown, patch: unknown, type = podType) =>
  applyStrategicMerge(type, original, decodeMergePatch(JSON.stringify(patch)).patch);
const containers = (...names: string[]) => ({
  spec: { containers: names.map((name) => ({ name, image: `${name}:1` })) },
});
const namesOf = (pod: any): string[] => pod.spec.containers.map((container: any) => container.name);

test('a strategic patch merges containers by name and puts new ones first', () => {
  const result: any = strategic(containers('a', 'b'), {
    spec: { containers: [{ name: 'b', image: 'b:2' }, { name: 'c' }] },
  });
  assert.deepEqual(result.spec.containers, [{ name: 'a', image: 'a:1' }, { name: 'b', image: 'b:2' }, { name: 'c' }]);
  assert.deepEqual(namesOf(strategic(containers('a'), { spec: { containers: [{ name: 'z' }] } })), ['z', 'a']);
});

test('the patch that kubectl apply sends reorders, changes and deletes', () => {
  const patch = {
    spec: {
      '$setElementOrder/containers': [{ name: 'a' }, { name: 'c' }],
      containers: [
        { name: 'a', image: 'a:2' },
        { name: 'c', image: 'c:1' },
        { $patch: 'delete', name: 'b' },
      ],
    },
  };
  const result: any = strategic(containers('b', 'a'), patch);
  assert.deepEqual(result.spec.containers, [
    { name: 'a', image: 'a:2' },
    { name: 'c', image: 'c:1' },
  ]);
});

for (const { name, original, patch, want, type } of [
  {
    name: 'replaces a list on request',
    original: containers('a', 'b'),
    patch: { spec: { containers: [{ name: 'z' }, { $patch: 'replace' }] } },
    want: { spec: { containers: [{ name: 'z' }] } },
  },
  {
    name: 'replaces a map on request',
    original: { metadata: { labels: { a: '1', b: '2' } } },
    patch: { metadata: { labels: { $patch: 'replace', c: '3' } } },
    want: { metadata: { labels: { c: '3' } } },
  },
  {
    name: 'keeps only the retained keys',
    original: { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } },
    patch: { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    want: { spec: { strategy: { type: 'Recreate' } } },
    type: deploymentType,
  },
  {
    name: 'deletes from a list of strings',
    original: { metadata: { finalizers: ['a', 'b', 'c'] } },
    patch: { metadata: { '$deleteFromPrimitiveList/finalizers': ['b'], finalizers: ['d'] } },
    want: { metadata: { finalizers: ['d', 'a', 'c'] } },
  },
  {
    name: 'replaces lists without a strategy',
    original: { spec: { tolerations: [{ key: 'a' }] } },
    patch: { spec: { tolerations: [{ key: 'b' }] } },
    want: { spec: { tolerations: [{ key: 'b' }] } },
  },
  {
    name: 'deletes with null, at any depth',
    original: { metadata: { labels: { a: '1', b: '2' } }, spec: { nodeName: 'n' } },
    patch: { metadata: { labels: { a: null } }, spec: { nodeName: null, nodeSelector: { x: null } } },
    want: { metadata: { labels: { b: '2' } }, spec: { nodeSelector: {} } },
  },
]) {
  test(`a strategic patch ${name}`, () => {
    const frozen = structuredClone(original);
    assert.deepEqual(strategic(original, patch, type), want);
    assert.deepEqual(original, frozen, 'the original is untouched');
  });
}

for (const { name, patch, code, message } of [
  {
    name: 'an unknown directive',
    patch: { spec: { $patch: 'frob' } },
    code: 500,
    message: 'unknown patch type: frob in map: map[$patch:frob]',
  },
  {
    name: 'a retained key that is not named',
    patch: { spec: { $retainKeys: ['a'], nodeName: 'x' } },
    code: 400,
    message: 'invalid patch format of retainKeys',
  },
  {
    name: 'an order that does not fit',
    patch: { spec: { '$setElementOrder/containers': [{ name: 'b' }], containers: [{ name: 'a', image: 'x' }] } },
    code: 500,
    message: "The order in patch list:\n[map[image:x name:a]]\n doesn't match $setElementOrder list:\n[map[name:b]]\n",
  },
  {
    name: 'an order of what nothing tells apart',
    patch: { spec: { '$setElementOrder/tolerations': [{ key: 'a' }], tolerations: [{ key: 'a' }] } },
    code: 400,
    message: "The order in patch list:\n[map[key:a]]\n doesn't match $setElementOrder list:\n[map[key:a]]\n",
  },
  {
    name: 'an order of what is no list',
    patch: { spec: { '$setElementOrder/securityContext': ['a'], securityContext: {} } },
    code: 500,
    message: 'expected a []interface {}, but received a map[string]interface {}',
  },
  {
    name: 'an element without its merge key',
    patch: { spec: { containers: [{ image: 'x' }] } },
    code: 500,
    message: 'map: map[image:x] does not contain declared merge key: name',
  },
]) {
  test(`a strategic patch with ${name} is refused in upstream words`, () => {
    assert.throws(() => strategic(containers('a'), patch), { name: 'PatchError', code, message });
  });
}

test('a merge patch deletes with null, merges objects and replaces lists', () => {
  const original = { a: { b: 1, c: 2 }, list: [1, 2] };
  const result = applyMergePatch(original, { a: { b: null, d: { e: null } }, list: [{ x: null, y: 1 }] });
  assert.deepEqual(result, { a: { c: 2, d: {} }, list: [{ y: 1 }] });
  assert.deepEqual(original, { a: { b: 1, c: 2 }, list: [1, 2] });
});

test('a merge patch cannot reach the prototype', () => {
  const { patch } = decodeMergePatch('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
  applyMergePatch({}, patch);
  assert.equal(({} as any).polluted, undefined);
});

const json = (original: unknown, operations: unknown) =>
  applyJsonPatch(original, decodeJsonPatch(JSON.stringify(operations)).patch);

for (const { name, operations, want } of [
  {
    name: 'adds, moves and copies',
    operations: [
      { op: 'add', path: '/l/-', value: 3 },
      { op: 'move', from: '/l/0', path: '/m' },
      { op: 'copy', from: '/m', path: '/a~1b' },
    ],
    want: { l: [2, 3], m: 1, 'a/b': 1 },
  },
  { name: 'counts negative indexes from the end', operations: [{ op: 'remove', path: '/l/-1' }], want: { l: [1] } },
  {
    name: 'adds a member that it was to replace',
    operations: [{ op: 'replace', path: '/n', value: 1 }],
    want: { l: [1, 2], n: 1 },
  },
  { name: 'finds null where nothing is', operations: [{ op: 'test', path: '/n', value: null }], want: { l: [1, 2] } },
]) {
  test(`a JSON patch ${name}`, () => assert.deepEqual(json({ l: [1, 2] }, operations), want));
}

for (const operation of [
  { op: 'test', path: '/l/0', value: 2 },
  { op: 'remove', path: '/q' },
  { op: 'add', path: '/q/r', value: 1 },
  { op: 'replace', path: '/l/7', value: 1 },
  { op: 'frob', path: '/l' },
  { op: 'add', path: '/l/01x', value: 1 },
]) {
  test(`a JSON patch that cannot ${operation.op} ${operation.path} is a 422`, () => {
    assert.throws(() => json({ l: [1, 2] }, [operation]), { name: 'PatchError', code: 422 });
  });
}

test('a JSON patch that copies itself larger and larger is stopped', () => {
  const operations = Array.from({ length: 60 }, () => ({ op: 'copy', from: '/a', path: '/a/-' }));
  assert.throws(() => json({ a: ['x'.repeat(100)] }, operations), { name: 'PatchError', code: 422 });
});

test('a JSON patch that compares or moves too much is stopped', () => {
  const many = Array.from({ length: 20_000 }, (_, index) => index);
  const tests = Array.from({ length: 5000 }, () => ({ op: 'test', path: '', value: { a: many } }));
  assert.throws(
    () =>
      applyJsonPatch(
        { a: [...many] },
        tests.map((item) => ({ ...item, from: '', hasValue: true })),
      ),
    {
      name: 'PatchError',
      code: 422,
      message: 'the patch takes too much work',
    },
  );
});

test('bodies that are no patch are refused in upstream words', async () => {
  assert.throws(() => decodeMergePatch(''), {
    code: 400,
    message: 'error decoding patch: unexpected end of JSON input',
  });
  assert.throws(() => decodeMergePatch('[]'), {
    message: 'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
  });
  assert.throws(() => decodeJsonPatch('{"op":"add"}'), {
    message: 'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
  });
  assert.throws(() => decodeJsonPatch(JSON.stringify(Array(10_001).fill({ op: 'test', path: '' }))), { code: 413 });
  assert.throws(() => decodeApplyPatch('- a'), {
    code: 400,
    message: /^error decoding YAML: .*cannot unmarshal array into Go value/,
  });
  assert.deepEqual(decodeMergePatch('{"a":{"b":1,"b":2}}').strictErrors, ['duplicate field "a.b"']);
});
