// What upstream's build of the language said, valued and charged for some hundred expressions (testdata/recorded.jsonl).
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compile } from './cel.ts';
import { dynType, intType, listType, mapType, optionalType, stringType, typeText } from './types.ts';
import { CelList, CelMap, CelOptional, CelUint, fromJson, type Outcome, typeNameOf } from './values.ts';

interface Recording {
  readonly expr: string;
  readonly [part: string]: unknown;
}

/** Upstream's parser goes on after some mistakes, and its messages for protocol buffers have no counterpart. */
const differs = new Set([
  'has(object.zz.yy)',
  '[[1],[[2],3]].flatten(2)',
  '1 ? : 2',
  '!',
  '-',
  'a.in',
  'in',
  'google.protobuf.Timestamp{}',
]);

const variables = {
  object: dynType,
  n: intType,
  s: stringType,
  l: listType(stringType),
  m: mapType(stringType, intType),
  o: optionalType(intType),
};
const bindings = {
  object: fromJson({ a: { b: 'c' }, n: 3, f: 1.5, l: [1, 2, 3], s: 'xyz' }),
  n: 5n,
  s: 'héllo',
  l: fromJson(['a', 'b', 'a']),
  m: fromJson({ x: 1, y: 2 }),
  o: new CelOptional(7n),
};

function numberText(value: number): string {
  if (Number.isFinite(value)) return JSON.stringify(value);
  return value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN';
}

/** As the recordings show values. */
function shown(value: Outcome): unknown {
  if (typeof value === 'bigint') return `int ${value}`;
  if (typeof value === 'number') return `double ${numberText(value)}`;
  if (typeof value === 'string') return `string ${value}`;
  if (typeof value === 'boolean' || value === null) return value;
  if (value instanceof CelUint) return `uint ${value.value}`;
  if (value instanceof CelList) return Array.from({ length: value.size }, (_, index) => shown(value.at(index)));
  if (value instanceof CelMap) {
    return Object.fromEntries([...value.keys()].map((key) => [String(shown(key)), shown(value.find(key)!)]));
  }
  if (value instanceof CelOptional) return { optional: value.value === undefined ? 'none' : shown(value.value) };
  return typeNameOf(value);
}

const cost = (value: number) => (value > 1e17 ? 'unbounded' : String(value));

function play(expr: string): Recording {
  const { program, text, problem } = compile(expr, { variables });
  if (!program) return problem.startsWith('program instantiation') ? { expr, programError: text } : { expr, text };
  const { min, max } = program.estimateCost();
  const { resultType } = program;
  const type = ['null', 'timestamp', 'duration'].includes(resultType.kind) ? resultType.name : typeText(resultType);
  const result = program.evaluate(bindings);
  const outcome = result.error ? { error: result.error.message } : { value: shown(result.value) };
  return { expr, type, ...outcome, min: cost(min), max: cost(max), cost: result.cost };
}

test('expressions mean, say and cost what they do upstream', () => {
  const lines = readFileSync(join(import.meta.dirname, 'testdata', 'recorded.jsonl'), 'utf8')
    .trim()
    .split('\n');
  for (const line of lines) {
    const recorded = JSON.parse(line) as Recording;
    if (!differs.has(recorded.expr)) assert.deepEqual(play(recorded.expr), recorded);
  }
});
