// The language's own conformance data, as far as Kubernetes has the language: without protocol buffers' messages, and
// without extensions that it does not load.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tests } from '@bufbuild/cel-spec/testdata/conformance.js';
import { compile } from './cel.ts';
import { equal } from './equality.ts';
import * as types from './types.ts';
import { ArrayList, CelTypeValue, CelUint, type CelValue, EntryMap } from './values.ts';

const notLoaded = [
  'proto2',
  'proto3',
  'proto2_ext',
  'enums',
  'wrappers',
  'math_ext',
  'encoders_ext',
  'block_ext',
  'network_ext',
  'unknowns',
];

/** Where Kubernetes has an older version of an extension, or its build of the language says something else than the data. */
const differs = new Set([
  'optionals/optionals/map_null_entry_no_such_key',
  'string_ext/value_errors/indexof_out_of_range',
  'string_ext/value_errors/lastindexof_out_of_range',
  'string_ext/format/positive infinity support for fixed-point',
  'string_ext/format/negative infinity support for fixed-point',
  'string_ext/format/dyntype NaN/infinity support',
]);
const differsLike = /^string_ext\/format\/.*(scientific notation|support for decimal)/;

const primitives: Readonly<Record<string, types.CelType>> = {
  BOOL: types.boolType,
  INT64: types.intType,
  UINT64: types.uintType,
  DOUBLE: types.doubleType,
  STRING: types.stringType,
  BYTES: types.bytesType,
};

function typeFrom(type: any): types.CelType | undefined {
  if (type.primitive) return primitives[type.primitive];
  if (type.wellKnown === 'TIMESTAMP') return types.timestampType;
  if (type.wellKnown === 'DURATION') return types.durationType;
  if (type.listType) {
    const item = typeFrom(type.listType.elemType);
    return item && types.listType(item);
  }
  if (type.mapType) {
    const [key, value] = [typeFrom(type.mapType.keyType), typeFrom(type.mapType.valueType)];
    return key && value && types.mapType(key, value);
  }
  return 'dyn' in type ? types.dynType : undefined;
}

const doubles: Readonly<Record<string, number>> = { NaN: Number.NaN, Infinity, '-Infinity': -Infinity };

function valueFrom(value: any): CelValue | undefined {
  if ('int64Value' in value) return BigInt(value.int64Value);
  if ('uint64Value' in value) return new CelUint(BigInt(value.uint64Value));
  if ('doubleValue' in value) return doubles[value.doubleValue] ?? Number(value.doubleValue);
  if ('stringValue' in value) return value.stringValue;
  if ('boolValue' in value) return value.boolValue;
  if ('bytesValue' in value) return new Uint8Array(Buffer.from(value.bytesValue, 'base64'));
  if ('nullValue' in value) return null;
  if ('typeValue' in value) return new CelTypeValue(value.typeValue);
  if ('listValue' in value) {
    const items = (value.listValue.values ?? []).map(valueFrom);
    return items.includes(undefined) ? undefined : new ArrayList(items);
  }
  if ('mapValue' in value) {
    const pairs = (value.mapValue.entries ?? []).map((entry: any) => [valueFrom(entry.key), valueFrom(entry.value)]);
    return pairs.flat().includes(undefined) ? undefined : EntryMap.of(pairs);
  }
  const type = value.objectValue?.['@type'];
  const source = {
    'type.googleapis.com/google.protobuf.Timestamp': 'timestamp',
    'type.googleapis.com/google.protobuf.Duration': 'duration',
  }[type as string];
  if (!source) return undefined;
  return compile(`${source}(${JSON.stringify(value.objectValue.value)})`, { variables: {} }).program?.evaluate({})
    .value;
}

interface Case {
  readonly path: string;
  readonly original: any;
}

function casesOf(suite: any, path: string): Case[] {
  return [
    ...(suite.suites ?? []).flatMap((each: any) => casesOf(each, `${path}/${each.name}`)),
    ...(suite.tests ?? []).map(({ original }: any) => ({ path: `${path}/${original.name}`, original })),
  ];
}

type Verdict = 'skipped' | 'right' | string;

function play({ original }: Case): Verdict {
  const { expr, typeEnv = [], bindings = {}, value, evalError, checkOnly, container, disableCheck } = original;
  if (checkOnly || container || original.typedResult || /TestAllTypes|google\.protobuf|GlobalEnum|\.proto\d/.test(expr))
    return 'skipped';
  const variables: Record<string, types.CelType> = {};
  for (const { name, ident } of typeEnv) {
    const type = ident && typeFrom(ident.type);
    if (!type) return 'skipped';
    variables[name] = type;
  }
  const bound: Record<string, CelValue> = {};
  for (const [name, said] of Object.entries<any>(bindings)) {
    const given = valueFrom(said.value ?? {});
    if (given === undefined) return 'skipped';
    bound[name] = given;
  }
  const { program, text } = compile(expr, { variables, hasBind: true });
  // Kubernetes wants the parts of lists and maps to be of one type, and has no quoted names.
  if (text && /expected type '.*' but found|unsupported syntax: '`'/.test(text)) return 'skipped';
  // Kubernetes checks always: what is checked nowhere else may be refused here before it runs.
  if (!program) return evalError ? 'right' : disableCheck ? 'skipped' : `refused: ${text}`;
  const result = program.evaluate(bound);
  if (evalError) return result.error ? 'right' : 'no error';
  if (result.error) return `failed: ${result.error.message}`;
  const wanted = valueFrom(value ?? { boolValue: true });
  if (wanted === undefined) return 'skipped';
  const same =
    typeof wanted === 'number' && Number.isNaN(wanted) ? Number.isNaN(result.value) : equal(result.value, wanted);
  return same ? 'right' : 'another value';
}

test('the conformance data of the language holds where Kubernetes has it', () => {
  const wrong: string[] = [];
  let right = 0;
  for (const suite of tests.suites ?? []) {
    if (notLoaded.includes(suite.name)) continue;
    for (const each of casesOf(suite, suite.name)) {
      if (differs.has(each.path) || differsLike.test(each.path)) continue;
      const verdict = play(each);
      if (verdict === 'right') right++;
      else if (verdict !== 'skipped') wrong.push(`${each.path}: ${each.original.expr}: ${verdict}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(right > 1000, `only ${right} cases were played`);
});
