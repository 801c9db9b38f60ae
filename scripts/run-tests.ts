// Runs the tests: those beside the code, then whole clusters one after the other; then looks for what they left behind.
// Whole clusters share the machine with whatever else it does: the few files that failed run once more, and what failed
// the first time is told as a flake.
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

process.env['CORACLE_TEST_RUN'] ??= String(process.pid);
const { findLeftovers } = await import('./leftovers.ts');

const root = join(import.meta.dirname, '..');
const only = process.argv[2];
const suites = [
  { flag: '--unit', patterns: ['src/**/*.test.ts', 'scripts/**/*.test.ts', 'test/fuzz/*.test.ts'], concurrency: 2 },
  { flag: '--e2e', patterns: ['test/!(fuzz)/**/*.test.ts', 'test/*.test.ts'], concurrency: 1, mayFlake: true },
].filter(({ flag }) => !only || only === flag);
/** More that fail are no accident. */
const mostFlakes = 3;

const before = new Set(findLeftovers());
const reports = mkdtempSync(join(tmpdir(), 'test-report-'));
/** What the quick tests put here they take away; those with clusters have sockets, whose paths must be short. */
const scratch = mkdtempSync(join(tmpdir(), 'u-'));

interface Outcome {
  readonly hasFailed: boolean;
  /** A line for each test that failed. */
  readonly failures: string;
}

function runFiles(files: readonly string[], concurrency: number, env: NodeJS.ProcessEnv): Outcome {
  const report = join(reports, 'failures');
  const reporters = [
    ['--test-reporter=spec', '--test-reporter-destination=stdout'],
    [`--test-reporter=${join(import.meta.dirname, 'report-failures.ts')}`, `--test-reporter-destination=${report}`],
  ].flat();
  const limits = [`--test-concurrency=${concurrency}`, '--test-timeout=600000'];
  const args = ['--test', ...limits, ...reporters, '--no-warnings', ...files];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env });
  return { hasFailed: status !== 0, failures: readFileSync(report, 'utf8').replaceAll(`${root}/`, '') };
}

const indented = (lines: string) => lines.replace(/^/gm, '  ').trimEnd();

let failures = '';
let flakes = '';
let hasFailed = false;
for (const { flag, patterns, concurrency, mayFlake } of suites) {
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();
  const env = flag === '--unit' ? { ...process.env, TMPDIR: scratch } : process.env;
  let outcome = runFiles(files, concurrency, env);
  const lines = outcome.failures.trimEnd().split('\n');
  const failed = [...new Set(lines.map((line) => line.split(':')[0]!))];
  const isFew = failed.length <= mostFlakes && failed.every((file) => files.includes(file));
  if (mayFlake && outcome.hasFailed && isFew) {
    flakes += outcome.failures;
    console.error(`failed, and runs once more:\n${indented(outcome.failures)}`);
    outcome = runFiles(failed, concurrency, env);
  }
  hasFailed ||= outcome.hasFailed;
  failures += outcome.failures;
}
rmSync(reports, { recursive: true });

const left = findLeftovers().filter((each) => !before.has(each));
left.push(...readdirSync(scratch).map((name) => `file ${join(scratch, name)}`));
rmSync(scratch, { recursive: true });
if (flakes) console.error(`failed the first time:\n${indented(flakes)}`);
if (failures) console.error(`failed:\n${indented(failures)}`);
if (left.length > 0) console.error(`left behind by the tests:\n  ${left.join('\n  ')}`);
process.exitCode = hasFailed || left.length > 0 ? 1 : 0;
