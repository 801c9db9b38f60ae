// Runs in the virtual machine: one check after the other, each told by one line in /results/lines when it has ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, createWriteStream, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findLeftovers } from '../../../scripts/leftovers.ts';
import type { Check } from '../plan.ts';

const root = join(import.meta.dirname, '../../..');
const results = '/results';
const chosen: readonly Check[] = JSON.parse(readFileSync(join(results, 'checks.json'), 'utf8'));
const env = {
  ...process.env,
  PATH: `${process.env['PATH']}:${join(root, 'build/tools')}`,
  // Everything is some ten times as slow as on the machine outside.
  CORACLE_TEST_PATIENCE: '10',
};

for (const check of chosen) {
  if (hasEnded(check)) continue; // before the machine was started once more
  const before = new Set(leftoversBefore(check));
  const began = performance.now();
  console.log(`=== ${check.name}`);
  const hasPassed = await runTests(check);
  const left = findLeftovers().filter((each) => !before.has(each));
  if (left.length > 0) console.log(`left behind by ${check.name}:\n  ${left.join('\n  ')}`);
  const seconds = Math.round((performance.now() - began) / 1000);
  appendFileSync(
    join(results, 'lines'),
    `${hasPassed && left.length === 0 ? 'ok' : 'not ok'} ${check.name} ${seconds} s\n`,
  );
}

function hasEnded({ name }: Check): boolean {
  const lines = join(results, 'lines');
  return existsSync(lines) && new RegExp(`^(not )?ok ${name} `, 'm').test(readFileSync(lines, 'utf8'));
}

/** A check that is run once more, as the machine went off meanwhile, has to answer for what its first part left. */
function leftoversBefore({ name }: Check): string[] {
  const file = join(results, `${name}.before`);
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(findLeftovers()));
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** What the tests say goes to the console, and to a file of the check. */
async function runTests({ name, files, tests }: Check): Promise<boolean> {
  const reporters = [
    ['--test-reporter=spec', '--test-reporter-destination=stdout'],
    [
      '--test-reporter=./scripts/report-failures.ts',
      `--test-reporter-destination=${join(results, `${name}.failures`)}`,
    ],
  ].flat();
  const limits = ['--test-concurrency=1', '--test-timeout=3600000'];
  const pattern = tests ? [`--test-name-pattern=${tests}`] : [];
  const child = spawn(process.execPath, ['--test', ...limits, ...reporters, ...pattern, '--no-warnings', ...files], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = createWriteStream(join(results, `${name}.log`));
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      process.stdout.write(chunk);
      log.write(chunk);
    });
  const [code] = await once(child, 'close');
  log.end();
  return code === 0;
}
