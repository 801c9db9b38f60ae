import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonical } from './codec.ts';
import { compareFields } from './compare-fields.ts';
import { mergeObjects } from './merge-objects.ts';
import { mergeTypeOf } from './merge-type.ts';
import { mergeTypeOfSchema } from './merge-type-openapi.ts';
import { fieldsOf, withNamedFields, withoutFields } from './object-fields.ts';
import { typedProblems } from './validate-typed.ts';

const podName = 'io.k8s.api.core.v1.Pod';
const pod = mergeTypeOf(podName);
const service = mergeTypeOf('io.k8s.api.core.v1.Service');
const custom = mergeTypeOfSchema({
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        set: { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
        atomic: { type: 'array', items: { type: 'string' } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
});
const containers = (...names: string[]) => ({ spec: { containers: names.map((name) => ({ name })) } });
const namesOf = (object: any): string[] => object.spec.containers.map(({ name }: { name: string }) => name);

for (const { name, live, applied, want } of [
  { name: 'keeps stored elements where they were', live: ['a', 'b'], applied: ['b'], want: ['a', 'b'] },
  { name: 'takes the applied order', live: ['a', 'b'], applied: ['b', 'a'], want: ['b', 'a'] },
  { name: 'puts new elements behind the stored ones', live: ['a'], applied: ['c'], want: ['a', 'c'] },
  { name: 'weaves both', live: ['a', 'x', 'b'], applied: ['a', 'n', 'b'], want: ['a', 'x', 'n', 'b'] },
]) {
  test(`merging a keyed list ${name}`, () => {
    assert.deepEqual(namesOf(mergeObjects(pod, containers(...live), containers(...applied))), want);
  });
}

test('elements merge by all their keys, defaults among them', () => {
  const live = {
    spec: {
      ports: [
        { port: 53, protocol: 'UDP', name: 'u' },
        { port: 53, protocol: 'TCP', name: 't' },
      ],
    },
  };
  const merged: any = mergeObjects(service, live, { spec: { ports: [{ port: 53, targetPort: 5353 }] } });
  assert.deepEqual(merged.spec.ports, [
    { port: 53, protocol: 'UDP', name: 'u' },
    { port: 53, protocol: 'TCP', name: 't', targetPort: 5353 },
  ]);
});

test('atomic maps and lists are replaced, sets are joined', () => {
  const merged: any = mergeObjects(
    custom,
    { spec: { set: ['a'], atomic: ['a'], free: { x: { y: 1 } } } },
    { spec: { set: ['b'], atomic: ['b'], free: { x: { z: 2 } } } },
  );
  assert.deepEqual(merged.spec, { set: ['a', 'b'], atomic: ['b'], free: { x: { y: 1, z: 2 } } });
  const services: any = mergeObjects(service, { spec: { selector: { a: '1' } } }, { spec: { selector: { b: '2' } } });
  assert.deepEqual(services.spec.selector, { b: '2' });
});

test('the fields of an applied object are its leaves, and elements themselves', () => {
  const applied = {
    metadata: { labels: { a: 'b' } },
    spec: { nodeSelector: { x: 'y' }, containers: [{ name: 'a', image: 'i' }] },
  };
  assert.deepEqual(fieldsOf(pod, applied), {
    'f:metadata': { 'f:labels': { 'f:a': {} } },
    'f:spec': { 'f:nodeSelector': {}, 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:name': {}, 'f:image': {} } } },
  });
});

test('what is added counts with the maps and elements it came in', () => {
  const blank = canonical(podName, {});
  const next = canonical<any>(podName, { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a' }] } });
  const { changed, removed } = compareFields(pod, blank, next);
  assert.deepEqual(changed, {
    'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } },
    'f:spec': { 'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:name': {}, 'f:resources': {} } } },
  });
  assert.deepEqual(removed, {});
  assert.deepEqual(compareFields(pod, next, blank), { changed: {}, removed: changed });
});

test('duplicates in a list are one value', () => {
  const twice = (value: string) => ({ spec: { containers: [{ name: 'a', image: value }, { name: 'a' }] } });
  const element = { 'f:spec': { 'f:containers': { 'k:{"name":"a"}': {} } } };
  assert.deepEqual(compareFields(pod, twice('1'), twice('2')), { changed: element, removed: {} });
  assert.deepEqual(compareFields(pod, twice('1'), { spec: { containers: [] } }).removed, element);
});

test('taking fields out leaves the rest, and takes structs that are named', () => {
  const object = { spec: { containers: [{ name: 'a', image: 'i' }, { name: 'b' }], nodeName: 'n' } };
  const set = { 'f:spec': { 'f:containers': { 'k:{"name":"b"}': { '.': {}, 'f:name': {} } }, 'f:nodeName': {} } };
  assert.deepEqual(withoutFields(pod, object, set), { spec: { containers: [{ name: 'a', image: 'i' }] } });
  assert.deepEqual(withoutFields(pod, object, withNamedFields(pod, set)), {});
});

for (const { name, type, object, want } of [
  {
    name: 'an unknown field',
    type: pod,
    object: { spec: { bogus: 1 } },
    want: '.spec.bogus: field not declared in schema',
  },
  {
    name: 'a wrong scalar',
    type: pod,
    object: { spec: { hostNetwork: 'x' } },
    want: '.spec.hostNetwork: expected boolean, got &{x}',
  },
  {
    name: 'no list',
    type: pod,
    object: { spec: { containers: { a: 1 } } },
    want: '.spec.containers: expected list, got &{map[a:1]}',
  },
  {
    name: 'a duplicate in a set',
    type: custom,
    object: { spec: { set: ['a', 'a'] } },
    want: '.spec.set: duplicate entries for key [="a"]',
  },
  {
    name: 'two problems',
    type: custom,
    object: { spec: { set: [1], x: 1 } },
    want: 'errors:\n  .spec.set[=1]: expected string, got &value.valueUnstructured{Value:1}\n  .spec.x: field not declared in schema',
  },
]) {
  test(`validation of an applied object says ${name}`, () => assert.equal(typedProblems(type, object), want));
}
