// `make sim SEED=7`: one seed, told step by step. `SEEDS=1000`: that many from SEED on, told when one fails.
import { parseArgs } from 'node:util';
import { type Outcome, simulate } from './simulate.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    verbose: { type: 'boolean' },
    log: { type: 'boolean' },
    quiet: { type: 'boolean' },
  },
});
const first = Number(values.seed ?? Date.now() % 1_000_000);
const count = Number(values.seeds ?? 1);
const failed: number[] = [];
const startedMs = performance.now();
let commits = 0;
for (let seed = first; seed < first + count; seed++) {
  const outcome = await simulate(seed, {
    ...(values.verbose ? { onStep: (line: string) => console.log(line) } : {}),
    ...(values.log ? { log: (line: string) => process.stdout.write(line) } : {}),
  });
  commits += outcome.commitCount;
  if (outcome.problems.length > 0) {
    failed.push(seed);
    tell(outcome);
  }
  if (count === 1) console.log(`seed ${seed}: ${outcome.commitCount} commits, digest ${outcome.digest.slice(0, 16)}`);
  else if (!values.quiet && (seed - first) % 100 === 99) progress(seed);
}
progress(first + count - 1);
if (failed.length > 0) console.log(`failed: ${failed.join(' ')}`);
console.log(`${count - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;

function progress(seed: number): void {
  const seconds = (performance.now() - startedMs) / 1000;
  const done = seed - first + 1;
  console.log(`${done} seeds, ${failed.length} failed, ${commits} commits, ${(seconds / done).toFixed(2)} s each`);
}

function tell({ seed, problems, steps, commits: lines }: Outcome): void {
  console.log(`\nseed ${seed} failed:`);
  for (const problem of problems) console.log(`  ${problem}`);
  console.log('last steps:');
  for (const step of steps.slice(-25)) console.log(`  ${step}`);
  console.log('last commits:');
  for (const line of lines.slice(-25)) console.log(`  ${line}`);
  console.log(`replay: make sim SEED=${seed}\n`);
}
