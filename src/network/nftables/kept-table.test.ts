import { test } from 'node:test';
import { FakeClock } from '../../base/clock-fake.ts';
import { silentLogger } from '../../base/log.ts';
import { KeptTable } from './kept-table.ts';
import type { Nft } from './nft.ts';
import { emptyPlan } from './rule-set.ts';

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
