// Every decoder against what failed once, and against some new nonsense. `make fuzz` tries more.
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { keptInputs } from './kept.ts';
import { fuzz } from './supervise.ts';
import { targets } from './targets/index.ts';

const seed = 20261122;
const maxMs = 2500;
const maxInputs = 5000;

suite('fuzz', { concurrency: 2 }, () => {
  for (const { name } of targets) {
    test(`${name} takes what anyone may send`, async () => {
      const inputs = keptInputs(name).map(({ input }) => input);
      if (inputs.length > 0) check(await fuzz({ target: name, seed, maxMs: 60_000, inputs }));
      check(await fuzz({ target: name, seed, maxMs, maxInputs }));
    });
  }
});

function check({ failure, tried }: Awaited<ReturnType<typeof fuzz>>): void {
  assert.equal(failure && `seed ${failure.seed}: ${failure.problem}`, undefined);
  assert.ok(tried > 0);
}
