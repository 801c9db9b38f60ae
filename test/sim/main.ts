// `make sim SEED=7`: one seed, told step by step. `SEEDS=1000`: that many from SEED on, told when one fails.
// `ABOUT=web-1` (a regular expression): what happened to objects of this name in one seed, and what the components said.
import { parseArgs } from 'node:util';
import { type Outcome, simulate } from './simulate.ts';
import { realNowMs } from './still-time.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string' }, seeds: { type: 'string' }, about: { type: 'string' } },
});
const first = Number(values.seed ?? Date.now() % 1_000_000);
const count = Number(values.seeds ?? 1);
const about = values.about === undefined ? undefined : new RegExp(values.about);
const isAbout = (line: string): boolean => about?.test(line) ?? false;
const onStep = (line: string) => {
  if (!about || isAbout(line)) console.log(line);
};
const log = (line: string) => {
  if (isAbout(line)) process.stdout.write(line);
};
// Where an error came from, the replay tells; to find it out takes time.
if (count > 1 && !about) Error.stackTraceLimit = 0;
const failed: number[] = [];
const startedMs = realNowMs();
let commits = 0;
for (let seed = first; seed < first + count; seed++) {
  const outcome = await simulate(seed, { ...(count === 1 ? { onStep } : {}), ...(about ? { log } : {}) });
  commits += outcome.ledger.count;
  if (outcome.problems.length > 0) failed.push(seed);
  if (about) tellAbout(outcome);
  else if (outcome.problems.length > 0) tell(outcome);
  if (count === 1) console.log(`seed ${seed}: ${outcome.ledger.count} commits, digest ${outcome.ledger.digest()}`);
  else if ((seed - first) % 20 === 19) tellProgress(seed);
}
tellProgress(first + count - 1);
if (failed.length > 0) console.log(`failed: ${failed.join(' ')}`);
console.log(`${count - failed.length} passed, ${failed.length} failed`);
process.exitCode = failed.length > 0 ? 1 : 0;

function tellProgress(seed: number): void {
  const seconds = (realNowMs() - startedMs) / 1000;
  const cpuSeconds = (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  const done = seed - first + 1;
  const each = `${(seconds / done).toFixed(2)} s each, ${(cpuSeconds / done).toFixed(2)} s of CPU`;
  console.log(`${done} seeds, ${failed.length} failed, ${commits} commits, ${each}`);
}

function tell({ seed, problems, steps, ledger }: Outcome): void {
  console.log(`\nseed ${seed} failed:`);
  for (const problem of problems) console.log(`  ${problem}`);
  console.log('last steps:');
  for (const step of steps.slice(-25)) console.log(`  ${step}`);
  console.log('last commits:');
  for (const line of ledger.lines.slice(-25)) console.log(`  ${line}`);
  console.log(`replay: make sim SEED=${seed}\n`);
}

function tellAbout({ problems, ledger }: Outcome): void {
  for (const line of ledger.lines.filter(isAbout)) console.log(line);
  for (const object of ledger.everything()) {
    const { managedFields: _, ...metadata } = object.metadata ?? {};
    const subject = object.kind === 'Event' ? object['involvedObject'].name : metadata.name;
    if (isAbout(`${metadata.namespace ?? ''}/${subject}`)) console.log(JSON.stringify({ ...object, metadata }));
  }
  for (const problem of problems) console.log(problem);
}
