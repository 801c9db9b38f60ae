import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerLife } from './container-life.ts';
import { globOf } from './glob.ts';
import { parseProgram } from './program.ts';
import type { SimulatedContainer } from './settings.ts';
import { usageOf } from './usage.ts';

const container = (over: Partial<SimulatedContainer> = {}): SimulatedContainer => ({
  namespace: 'shop',
  pod: 'web-1',
  labels: { app: 'web' },
  annotations: {},
  node: 'simulated-3',
  name: 'main',
  attempt: 0,
  ...over,
});

test('annotations come before rules, and the first rule that fits and says it before the others', () => {
  const program = parseProgram(`
pods:
- match: {namespace: 'sh*', labels: {app: web}}
  start-seconds: 2
- match: {node: 'simulated-?'}
  start-seconds: 9
  ready-seconds: 3
`);
  assert.deepEqual(containerLife(program, container(), false), {
    startDelayMs: 2000,
    readyDelayMs: 3000,
    stopMs: 0,
    exitCode: 0,
  });
  const annotations = { 'simulated.coracle.dev/main.start-seconds': '5' };
  assert.equal(containerLife(program, container({ annotations }), false).startDelayMs, 5000);
  assert.equal(containerLife(program, container({ namespace: 'bank', node: 'other' }), false).startDelayMs, 0);
});

test('draws follow the seed and the container, and fail as often as they are asked to', () => {
  const lives = (seed: number) => {
    const program = parseProgram(
      `{seed: ${seed}, pods: [{failure-rate: 0.25, fail-seconds: 10..20, exit-code: '1:3, 137:1'}]}`,
    );
    return Array.from({ length: 2000 }, (_, index) => containerLife(program, container({ pod: `p-${index}` }), false));
  };
  assert.deepEqual(lives(1), lives(1));
  assert.notDeepEqual(lives(1), lives(2));
  const failing = lives(1).filter(({ exitCode }) => exitCode !== 0);
  assert.ok(Math.abs(failing.length - 500) < 75, `${failing.length} of 2000`);
  const killed = failing.filter(({ exitCode }) => exitCode === 137).length / failing.length;
  assert.ok(Math.abs(killed - 0.25) < 0.08, `${killed} of them killed`);
  assert.ok(failing.every(({ runMs }) => runMs! >= 10_000 && runMs! < 20_000));
});

test('what is used follows a course over time, again and again if it says so', () => {
  const program = parseProgram(`
pods:
- cpu: 0s=100m, 10m=500m, 20m=100m repeat
  memory: 64Mi
`);
  const at = (minutes: number) => usageOf(program, container(), minutes * 60_000).nanoCores / 1e6;
  assert.deepEqual([0, 5, 10, 15, 20, 25].map(at), [100, 300, 500, 300, 100, 300]);
  assert.equal(usageOf(program, container(), 0).memoryBytes, 64 * 2 ** 20);
});

test('what is wrong is said with its place', () => {
  const problems: [string, RegExp][] = [
    ['pods: [{run-second: 1}]', /^Error: pods\[0\]\.run-second: unknown/],
    ['pods: [{run-seconds: 5..}]', /^Error: pods\[0\]\.run-seconds: "5\.\." cannot be read/],
    ['pods: [{failure-rate: 1.5}]', /failure-rate: "1.5" cannot be read/],
    ['pods: [{cpu: 0s=x}]', /cpu: "0s=x" cannot be read/],
    ['nodes: [{memory: 0}]', /nodes\[0\]\.memory: must be a quantity above zero/],
    ['nodes: {}', /^Error: nodes: must be a list/],
    ['[]', /^Error: the simulation: must be a mapping/],
  ];
  for (const [text, problem] of problems) assert.throws(() => parseProgram(text), problem);
});

test('patterns are matched in the time of their length', () => {
  assert.ok(globOf('simulated-1*').test('simulated-12'));
  assert.ok(!globOf('simulated-1*').test('simulated-2'));
  assert.ok(globOf('a*b*c').test('axxbyyc'));
  assert.ok(!globOf(`${'*a'.repeat(100)}b`).test('a'.repeat(250)));
});
