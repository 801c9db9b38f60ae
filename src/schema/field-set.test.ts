import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  decodeFields,
  differenceOf,
  type FieldSet,
  inOrder,
  intersectionOf,
  isSameSet,
  pathsOf,
  unionOf,
  withoutBelow,
} from './field-set.ts';

const l: FieldSet = {};
const labels: FieldSet = { 'f:metadata': { 'f:labels': { '.': l, 'f:a': l, 'f:b': l } } };

for (const { name, op, a, b, want } of [
  { name: 'union joins leaves', op: unionOf, a: { 'f:a': l }, b: { 'f:b': l }, want: { 'f:a': l, 'f:b': l } },
  {
    name: 'union keeps a path that is both a leaf and longer',
    op: unionOf,
    a: { 'f:a': l },
    b: { 'f:a': { 'f:b': l } },
    want: { 'f:a': { '.': l, 'f:b': l } },
  },
  {
    name: 'difference leaves what is below a removed path',
    op: differenceOf,
    a: { 'f:a': { '.': l, 'f:b': l } },
    b: { 'f:a': l },
    want: { 'f:a': { 'f:b': l } },
  },
  {
    name: 'difference leaves a path whose children are removed',
    op: differenceOf,
    a: { 'f:a': { '.': l, 'f:b': l } },
    b: { 'f:a': { 'f:b': l } },
    want: { 'f:a': l },
  },
  {
    name: 'difference drops what gets empty',
    op: differenceOf,
    a: { 'f:a': { 'f:b': l } },
    b: { 'f:a': { 'f:b': l } },
    want: {},
  },
  {
    name: 'intersection takes paths, not what is below them',
    op: intersectionOf,
    a: { 'f:a': { '.': l, 'f:b': l } },
    b: { 'f:a': l },
    want: { 'f:a': l },
  },
  {
    name: 'withoutBelow takes what is below, too',
    op: withoutBelow,
    a: labels,
    b: { 'f:metadata': { 'f:labels': l } },
    want: {},
  },
] as const) {
  test(name, () => assert.deepEqual(op(a, b), want));
}

test('a difference that takes nothing is the set itself', () => {
  assert.equal(differenceOf(labels, { 'f:spec': l }), labels);
});

test('sets are the same whatever their order', () => {
  assert.ok(isSameSet({ 'f:a': l, 'f:b': l }, { 'f:b': l, 'f:a': l }));
  assert.ok(!isSameSet({ 'f:a': l }, { 'f:a': { '.': l, 'f:b': l } }));
});

test('a set is stored in upstream’s order, and is itself where it is in it', () => {
  const ports = { 'k:{"containerPort":443}': {}, 'k:{"containerPort":80}': {}, '.': {} };
  const set = { 'f:spec': { 'f:b': {}, 'f:a': { 'v:"y"': {}, 'v:"x"': {} }, 'f:ports': ports }, 'f:metadata': {} };
  const sorted = inOrder(set);
  const spec = '"f:a":{"v:\\"x\\"":{},"v:\\"y\\"":{}},"f:b":{},"f:ports":';
  const inside = '{".":{},"k:{\\"containerPort\\":80}":{},"k:{\\"containerPort\\":443}":{}}';
  assert.equal(JSON.stringify(sorted), `{"f:metadata":{},"f:spec":{${spec}${inside}}}`);
  assert.equal(inOrder(sorted), sorted);
});

test('paths print as upstream prints them', () => {
  const set = {
    'f:spec': {
      'f:containers': { 'k:{"name":"app"}': { '.': l, 'f:image': l } },
      'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { 'f:name': l } },
      'f:finalizers': { 'v:"x"': l },
      'f:list': { 'i:2': l },
      'f:odd': { 'k:{"port":{"a":{"b":1}}}': { 'f:x': l }, 'k:{"port":[1,{"c":"d"}]}': { 'f:x': l } },
    },
  };
  assert.deepEqual(pathsOf(set), [
    '.spec.containers[name="app"]',
    '.spec.containers[name="app"].image',
    '.spec.finalizers[="x"]',
    '.spec.list[2]',
    '.spec.odd[port=[1,c="d"]].x',
    '.spec.odd[port=a=b=1].x',
    '.spec.ports[port=80,protocol="TCP"].name',
  ]);
});

test('what a client sends is spelled our way, or is no set', () => {
  assert.deepEqual(decodeFields({ 'k:{"b": 1, "a":"x"}': { '.': {} } }), { 'k:{"a":"x","b":1}': { '.': {} } });
  for (const bad of [{ spec: {} }, { 'k:{': {} }, { 'i:x': {} }, { 'f:a': 1 }, [], null]) {
    assert.equal(decodeFields(bad), undefined);
  }
});
