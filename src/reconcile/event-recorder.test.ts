import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../generated/core-v1.ts';
import { FakeClock } from '../base/clock-fake.ts';
import { silentLogger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import { createEventRecorders } from './event-recorder.ts';

const aPod = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'ns', uid: name } });

test('events of one object are written in their order, those of many side by side', async () => {
  const written: Event[] = [];
  let [underWay, most] = [0, 0];
  const create = async (event: Event) => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay--;
    written.push(event);
    return event;
  };
  const client = { resource: () => ({ create }) } as unknown as Client;
  const recorders = createEventRecorders({ client, clock: new FakeClock(), log: silentLogger });
  const recorder = recorders.recorder('test');
  const pods = Array.from({ length: 20 }, (_, index) => aPod(`pod-${index}`));
  for (const reason of ['First', 'Second', 'Third'])
    for (const pod of pods) recorder.event(pod, 'Normal', reason, reason);
  const abort = new AbortController();
  const ended = recorders.run(abort.signal);
  abort.abort();
  await ended;
  assert.equal(written.length, 60);
  assert.ok(most > 1 && most <= 4, `${most} at once`);
  for (const { metadata } of pods) {
    const reasons = written
      .filter(({ involvedObject }) => involvedObject.name === metadata.name)
      .map(({ reason }) => reason);
    assert.deepEqual(reasons, ['First', 'Second', 'Third']);
  }
});

test('a clock that stands between two milliseconds, as after a wait with jitter, names events too; annotations are kept', async () => {
  const written: Event[] = [];
  const create = async (event: Event) => {
    written.push(event);
    return event;
  };
  const client = { resource: () => ({ create }) } as unknown as Client;
  const clock = new FakeClock();
  await clock.advance(1234.5678);
  const recorders = createEventRecorders({ client, clock, log: silentLogger });
  recorders.recorder('test').event(aPod('pod'), 'Normal', 'Waited', 'for a while', { why: 'rain' });
  const abort = new AbortController();
  const ended = recorders.run(abort.signal);
  abort.abort();
  await ended;
  assert.match(written[0]?.metadata.name ?? '', /^pod\.[0-9a-f]{16}$/);
  assert.deepEqual(written[0]?.metadata.annotations, { why: 'rain' });
});

test('what happens again while it waits to be written is one write with its count', async () => {
  const asked: object[] = [];
  const create = async (event: Event) => {
    asked.push({ count: event.count, message: event.message });
    return event;
  };
  const patch = async ({ name }: { name: string }, fields: Partial<Event>) => {
    asked.push({ count: fields.count, message: fields.message });
    return { metadata: { name } };
  };
  const client = { resource: () => ({ create, patch }) } as unknown as Client;
  const recorders = createEventRecorders({ client, clock: new FakeClock(), log: silentLogger });
  const recorder = recorders.recorder('test');
  for (let index = 0; index < 5; index++) recorder.event(aPod('pod'), 'Warning', 'Again', 'and again');
  const abort = new AbortController();
  const ended = recorders.run(abort.signal);
  await new Promise((resolve) => setImmediate(resolve));
  for (let index = 0; index < 3; index++) recorder.event(aPod('pod'), 'Warning', 'Again', 'and again');
  abort.abort();
  await ended;
  assert.deepEqual(asked, [
    { count: 5, message: 'and again' },
    { count: 8, message: 'and again' },
  ]);
});

test('as many wait as memory bears, each from its own node', async () => {
  const written: Event[] = [];
  const create = async (event: Event) => {
    written.push(event);
    return event;
  };
  const client = { resource: () => ({ create }) } as unknown as Client;
  const lines: string[] = [];
  const log = {
    ...silentLogger,
    warn: (text: string, fields?: object) => lines.push(`${text} ${JSON.stringify(fields)}`),
  };
  const recorders = createEventRecorders({ client, clock: new FakeClock(), log, mostWaiting: () => 4 });
  const names = Array.from({ length: 40 }, (_, index) => `pod-${index}`);
  for (const name of names)
    recorders.recorder('kubelet', `node-of-${name}`).event(aPod(name), 'Normal', 'Told', 'once');
  const abort = new AbortController();
  const ended = recorders.run(abort.signal);
  abort.abort();
  await ended;
  assert.equal(written.length, 4, 'one in each lane');
  assert.deepEqual(lines, ['events dropped {"count":36}']);
  for (const { source, reportingInstance, involvedObject } of written)
    assert.deepEqual([source?.host, reportingInstance], Array(2).fill(`node-of-${involvedObject.name}`));
});
