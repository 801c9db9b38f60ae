import assert from 'node:assert/strict';
import test from 'node:test';
import { EventCorrelator } from './event-correlator.ts';

const event = (message: string, name = 'web') => ({
  component: 'test',
  about: { kind: 'Pod', namespace: 'ns', name, uid: name },
  type: 'Normal',
  reason: 'Created',
  message,
});

test('an event that was written before is counted, not written again', () => {
  const correlator = new EventCorrelator<string>();
  const first = correlator.correlate(event('one'), 0)!;
  assert.equal(first.known, undefined);
  first.remember('written');
  assert.equal(correlator.correlate(event('one'), 1000)?.known, 'written');
  assert.equal(correlator.correlate(event('one', 'other'), 1000)?.known, undefined);
});

test('the tenth different message of one reason becomes one line with those that follow', () => {
  const correlator = new EventCorrelator<string>();
  for (let index = 0; index < 9; index++)
    assert.equal(correlator.correlate(event(`m${index}`), 0)?.message, `m${index}`);
  const tenth = correlator.correlate(event('m9'), 0)!;
  assert.equal(tenth.message, '(combined from similar events): m9');
  tenth.remember('line');
  assert.equal(correlator.correlate(event('m10'), 0)?.known, 'line');
});

test('a flood from one object is cut, and trickles on', () => {
  const correlator = new EventCorrelator<string>();
  let admitted = 0;
  for (let index = 0; index < 100; index++) if (correlator.correlate(event('same'), 0)) admitted++;
  assert.equal(admitted, 25);
  assert.ok(correlator.correlate(event('same', 'other'), 0));
  assert.ok(correlator.correlate(event('same'), 300_000));
  assert.equal(correlator.correlate(event('same'), 300_001), undefined);
});
