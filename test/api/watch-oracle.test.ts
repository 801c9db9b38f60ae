import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runWatchOracle } from '../soak/watch-oracle.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

test(`random watchers see what the commit log says, through restarts and compaction (seed ${seed})`, async () => {
  const { changes, events, expired, cut } = await runWatchOracle({ events: 15_000, watchers: 120, restarts: 2, seed });
  assert.ok(changes >= 15_000);
  assert.ok(events > 15_000 && cut > 0 && expired > 0);
});
