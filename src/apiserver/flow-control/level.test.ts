import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock } from '../../base/clock-fake.ts';
import { Level, type LevelSettings } from './level.ts';
import type { Ticket, TicketInit } from './ticket.ts';

const nobody = { queued() {}, started() {}, finished() {}, refused() {} };
const info = {
  isResource: false,
  path: '/',
  verb: 'get',
  group: '',
  version: '',
  namespace: '',
  resource: '',
  subresource: '',
  name: '',
  trailingPath: '',
};

function aLevel(limit: number, settings: Partial<LevelSettings> = {}) {
  const clock = new FakeClock();
  const level = new Level(
    'some',
    { isExempt: false, queues: 4, handSize: 1, queueLengthLimit: 3, ...settings },
    limit,
    clock,
  );
  const enter = (
    hand: number[] | undefined,
    seats = 1,
    signal = new AbortController().signal,
    rest: Partial<TicketInit['work']> = {},
  ) =>
    level.enter(
      {
        info,
        user: { username: 'u', groups: [] },
        schema: 's',
        distinguisher: '',
        work: { initialSeats: seats, finalSeats: 0, extraMs: 0, ...rest },
        nowMs: clock.monotonicMs(),
        signal,
        patienceMs: 1000,
        observer: nobody,
      },
      hand,
    );
  return { clock, level, enter };
}

const isOver = (ticket: Ticket) => ticket[Symbol.dispose]();

describe('a priority level', () => {
  test('lets in as many as it has seats, and the next when one is free', async () => {
    const { level, enter } = aLevel(2);
    const [first, second, third] = [enter([0]), enter([0]), enter([0])];
    assert.deepEqual([first.isAdmitted, second.isAdmitted, third.isWaiting], [true, true, true]);
    const admitted = third.isAdmitted;
    isOver(first);
    assert.equal(await admitted, true);
    isOver(second);
    isOver(third);
    assert.equal(level.isIdle, true);
  });

  test('refuses at once where nobody may wait', () => {
    const { level, enter } = aLevel(1, { queues: 0 });
    assert.equal(enter(undefined).isAdmitted, true);
    assert.equal(enter(undefined).isAdmitted, false);
    assert.equal(level.counts.rejected, 1);
  });

  test('refuses what finds its queue full', () => {
    const { enter } = aLevel(1);
    const waiting = [enter([0]), enter([0]), enter([0]), enter([0]), enter([0])];
    assert.deepEqual(
      waiting.map((ticket) => ticket.isWaiting),
      [false, true, true, true, false],
    );
    assert.equal(waiting[4]!.isAdmitted, false);
    assert.equal(enter([1]).isWaiting, true, 'another queue has room');
  });

  test('takes turns between queues, however much waits in one of them', async () => {
    const { clock, enter } = aLevel(1, { queueLengthLimit: 10 });
    const order: string[] = [];
    const open: Ticket[] = [enter([3])];
    const wait = (flow: string, hand: number[]) => {
      const ticket = enter(hand);
      void (ticket.isAdmitted as Promise<boolean>).then(() => {
        order.push(flow);
        open.push(ticket);
      });
    };
    for (let count = 0; count < 4; count++) wait('busy', [0]);
    for (let count = 0; count < 2; count++) wait('quiet', [1]);
    for (let count = 0; count < 6; count++) {
      await clock.advance(3);
      isOver(open.shift()!);
      await Promise.resolve();
    }
    assert.deepEqual(order, ['busy', 'quiet', 'busy', 'quiet', 'busy', 'busy']);
  });

  test('picks the emptiest queue of a hand', () => {
    const { enter } = aLevel(1);
    enter([0, 1]);
    assert.deepEqual(
      [enter([0, 1]), enter([0, 1])].map(({ queue }) => queue?.index),
      [1, 0],
    );
  });

  test('lets in what is wider than itself when it is empty, and nobody past it while it waits', async () => {
    const { enter } = aLevel(2);
    const first = enter([0]);
    const wide = enter([1], 5);
    const narrow = enter([2]);
    assert.deepEqual([wide.isWaiting, narrow.isWaiting], [true, true]);
    isOver(first);
    assert.equal(await wide.isAdmitted, true);
    assert.equal(narrow.isWaiting, true);
    isOver(wide);
    assert.equal(await narrow.isAdmitted, true);
  });

  test('forgets who has waited too long or gone away', async () => {
    const { clock, level, enter } = aLevel(1);
    const gone = new AbortController();
    enter([0]);
    const [late, cancelled] = [enter([0]), enter([0], 1, gone.signal)];
    const verdicts = Promise.all([late.isAdmitted, cancelled.isAdmitted]);
    gone.abort();
    await clock.advance(1000);
    assert.deepEqual(await verdicts, [false, false]);
    assert.deepEqual({ ...level.counts }, { dispatched: 1, rejected: 0, timedOut: 1, cancelled: 1 });
    assert.equal(level.waiting, 0);
  });

  test('keeps the seats of a write that wakes many watches for a while', async () => {
    const { clock, level, enter } = aLevel(4);
    const write = enter([0], 1, undefined, { finalSeats: 3, extraMs: 50 });
    assert.equal(level.seatsInUse, 3);
    isOver(write);
    assert.equal(level.seatsInUse, 3);
    await clock.advance(50);
    assert.equal(level.isIdle, true);
  });
});
