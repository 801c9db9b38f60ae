import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../base/clock-fake.ts';
import { silentLogger } from '../../base/log.ts';
import { KeptTable } from './kept-table.ts';
import type { Command, Nft } from './nft.ts';
import { emptyPlan, jump, type Plan, type Rule } from './rule-set.ts';

test('who waits for rules is let go when the table is kept no longer', async () => {
  const asked = Promise.withResolvers<void>();
  const nft = {
    async apply() {
      asked.resolve();
      throw new Error('the kernel does not take it');
    },
    hasTable: async () => true,
    accepts: async () => true,
  } as unknown as Nft;
  const table = new KeptTable({
    name: 'test',
    table: 'test',
    base: () => [],
    plan: () => emptyPlan,
    synced: async () => {},
    clock: new FakeClock(),
    log: silentLogger,
    nft,
  });
  const stop = new AbortController();
  const running = table.run(stop.signal);
  const waiting = table.applied('a');
  await asked.promise;
  stop.abort();
  await running;
  await waiting;
  await table.applied('b');
});

const chainOf = (name: string, ...rules: Rule[]): Plan => ({ ...emptyPlan, chains: new Map([[name, rules]]) });

/** A kernel that knows chains alone: who jumps to one that is not there is refused, and whatever has a bad name. */
function aKernel() {
  const taken: string[] = [];
  const problemOf = (commands: readonly Command[]): string | undefined => {
    const text = JSON.stringify(commands);
    const made = new Set([...text.matchAll(/"chain":\{[^}]*"name":"([^"]*)"/g)].map(([, name]) => name));
    const missing = [...text.matchAll(/"target":"([^"]*)"/g)].find(([, name]) => !made.has(name!));
    return missing ? `no chain ${missing[1]}` : text.includes('"bad') ? 'a bad name' : undefined;
  };
  const nft: Nft = {
    async apply(commands) {
      const problem = problemOf(commands);
      taken.push(problem ?? JSON.stringify(commands));
      if (problem) throw new Error(problem);
    },
    accepts: async (commands) => problemOf(commands) === undefined,
    hasTable: async () => true,
  };
  return { nft, taken };
}

test('an owner that changes while others are planned is in the same transaction', async () => {
  const { nft, taken } = aKernel();
  const clock = new FakeClock();
  let hasNew = false;
  const table: KeptTable = new KeptTable({
    name: 'test',
    table: 'test',
    base: () => [],
    plan: (owner) => {
      if (owner === 'slow') {
        void clock.advance(100);
        setImmediate(() => {
          hasNew = true;
          table.lookAt('new');
        });
      }
      if (owner === 'user') return hasNew ? chainOf('user', [jump('new')]) : emptyPlan;
      return chainOf(owner);
    },
    synced: async () => {},
    clock,
    log: silentLogger,
    nft,
  });
  const stop = new AbortController();
  const waiting = table.applied('slow', 'user');
  const running = table.run(stop.signal);
  await waiting;
  stop.abort();
  await running;
  assert.equal(taken.length, 1);
  assert.match(taken[0]!, /"target":"new"/);
});

test('of owners that lean on others, only those at fault are replaced', async () => {
  const { nft, taken } = aKernel();
  const clock = new FakeClock();
  const closed = new Set<string>();
  const table = new KeptTable({
    name: 'test',
    table: 'test',
    base: () => [],
    plan: (owner) => {
      if (!owner.startsWith('user')) return chainOf(closed.has(owner) ? `closed ${owner}` : owner);
      const on = owner.split(' ')[1]!;
      return chainOf(owner, [jump(closed.has(on) ? `closed ${on}` : on)]);
    },
    isFoundation: (owner) => !owner.startsWith('user'),
    onRefused: (owner) => {
      closed.add(owner);
      table.lookAt(`user ${owner}`);
      return true;
    },
    synced: async () => {},
    clock,
    log: silentLogger,
    nft,
  });
  const stop = new AbortController();
  const running = table.run(stop.signal);
  let isDone = false;
  const waiting = table.applied('user good', 'user bad', 'good', 'bad').then(() => {
    isDone = true;
  });
  while (!isDone) await clock.advance(1_000);
  await waiting;
  stop.abort();
  await running;
  assert.deepEqual([...closed], ['bad']);
  assert.match(taken.at(-1)!, /"target":"good".*"target":"closed bad"/);
});
