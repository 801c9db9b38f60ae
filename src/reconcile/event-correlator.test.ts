import assert from 'node:assert/strict';
import test from 'node:test';
import { EventCorrelator } from './event-correlator.ts';

const event = (message: string, name = 'web', type = 'Normal') => ({
  component: 'test',
  about: { kind: 'Pod', namespace: 'ns', name, uid: name },
  type,
  reason: 'Created',
  message,
});

test('an event like one before is the same line, counted up', () => {
  const correlator = new EventCorrelator();
  const { line } = correlator.correlate(event('one'), 0);
  assert.deepEqual(line, { count: 1, firstMs: 0 });
  assert.equal(correlator.correlate(event('one'), 1000).line, line);
  assert.equal(line.count, 2);
  assert.notEqual(correlator.correlate(event('one', 'other'), 1000).line, line);
});

test('the tenth different message of one reason becomes one line with the new ones that follow', () => {
  const correlator = new EventCorrelator();
  const first = Array.from({ length: 9 }, (_, index) => correlator.correlate(event(`m${index}`), 0));
  for (const [index, { message }] of first.entries()) assert.equal(message, `m${index}`);
  const tenth = correlator.correlate(event('m9'), 0);
  assert.equal(tenth.message, '(combined from similar events): m9');
  assert.equal(correlator.correlate(event('m10'), 0).line, tenth.line);
  // One that is known yet is counted on its own.
  assert.equal(correlator.correlate(event('m8'), 0).line, first[8]!.line);
});

test('the same of two fields of a pod is two lines, and one when it is one of many', () => {
  const correlator = new EventCorrelator();
  const of = (message: string, fieldPath: string) => {
    const made = event(message);
    return correlator.correlate({ ...made, about: { ...made.about, fieldPath } }, 0);
  };
  assert.notEqual(of('same', 'a').line, of('same', 'b').line);
  for (let index = 0; index < 8; index++) of(`m${index}`, 'a');
  assert.equal(of('new', 'a').line, of('newer', 'b').line);
});

test('a flood from one object is counted, and cut by type; it trickles on with the whole count', () => {
  const correlator = new EventCorrelator();
  let admitted = 0;
  for (let index = 0; index < 100; index++) if (!correlator.correlate(event('same'), 0).isCut) admitted++;
  assert.equal(admitted, 25);
  assert.equal(correlator.correlate(event('same', 'other'), 0).isCut, false);
  assert.equal(correlator.correlate(event('same', 'web', 'Warning'), 0).isCut, false);
  const next = correlator.correlate(event('same'), 300_000);
  assert.deepEqual([next.isCut, next.line.count], [false, 101]);
  assert.equal(correlator.correlate(event('same'), 300_001).isCut, true);
});
