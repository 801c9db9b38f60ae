import assert from 'node:assert/strict';
import { test } from 'node:test';
import { YamlError } from '../base/yaml.ts';
import { readYaml, TasksBusyError } from './body-thread.ts';

const lines = (count: number) =>
  Array.from({ length: count }, (_, index) => `key${index}: "value ${index}"`).join('\n');

test('a large text reads as a small one does, while the event loop goes on', async () => {
  let turns = 0;
  const turning = setInterval(() => turns++, 1);
  const { json } = await readYaml(`a: 0644\nbig: 9007199254740993\n${lines(20_000)}`);
  clearInterval(turning);
  assert.match(json, /^\{"a":420,"big":9007199254740993,"key0":"value 0",/);
  assert.match(json, /"key19999":"value 19999"\}$/);
  assert.ok(turns > 0);
});

test('a key given twice in a large text is told of, and the last one counts', async () => {
  const { json, duplicate } = await readYaml(`a: 1\n${lines(2000)}\na: 2\n`);
  assert.match(duplicate!, /^yaml: unmarshal errors:\n {2}line 2002: key "a" already set in map$/);
  assert.match(json, /"a":2/);
});

test('what is wrong with a large text is said, and its thread ends', async () => {
  await assert.rejects(readYaml(`${lines(2000)}\n\ta: b`), (error: Error) => error instanceof YamlError);
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (let level = 1; level < 30; level++)
    bomb.push(`l${level}: &b${level} [${`*${level === 1 ? 'a' : `b${level - 1}`},`.repeat(9)}]`);
  await assert.rejects(readYaml(`${bomb.join('\n')}\n${lines(1000)}`), (error: Error) => error instanceof YamlError);
});

test('more large texts than can wait are refused', async () => {
  const text = lines(600);
  const results = await Promise.allSettled(Array.from({ length: 110 }, () => readYaml(text)));
  const refused = results.filter((each) => each.status === 'rejected');
  assert.equal(refused.length, 110 - 102);
  assert.ok(refused.every(({ reason }) => reason instanceof TasksBusyError));
});
