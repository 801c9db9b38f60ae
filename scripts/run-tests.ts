// Runs the tests: those beside the code, then whole clusters one after the other; then looks for what they left behind.
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
  { flag: '--e2e', patterns: ['test/!(fuzz)/**/*.test.ts', 'test/*.test.ts'], concurrency: 1 },
].filter(({ flag }) => !only || only === flag);

const before = new Set(findLeftovers());
const reports = mkdtempSync(join(tmpdir(), 'test-report-'));
/** What the quick tests put here they take away; those with clusters have sockets, whose paths must be short. */
const scratch = mkdtempSync(join(tmpdir(), 'u-'));
let failures = '';
let hasFailed = false;
for (const { flag, patterns, concurrency } of suites) {
  const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).sort();
  const report = join(reports, flag);
  const reporters = [
    ['--test-reporter=spec', '--test-reporter-destination=stdout'],
    [`--test-reporter=${join(import.meta.dirname, 'report-failures.ts')}`, `--test-reporter-destination=${report}`],
  ].flat();
  const limits = [`--test-concurrency=${concurrency}`, '--test-timeout=600000'];
  const args = ['--test', ...limits, ...reporters, '--no-warnings', ...files];
  const env = flag === '--unit' ? { ...process.env, TMPDIR: scratch } : process.env;
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env });
  hasFailed ||= status !== 0;
  failures += readFileSync(report, 'utf8');
}
rmSync(reports, { recursive: true });

const left = findLeftovers().filter((each) => !before.has(each));
left.push(...readdirSync(scratch).map((name) => `file ${join(scratch, name)}`));
rmSync(scratch, { recursive: true });
if (failures) console.error(`failed:\n${failures.replaceAll(`${root}/`, '').replace(/^/gm, '  ').trimEnd()}`);
if (left.length > 0) console.error(`left behind by the tests:\n  ${left.join('\n  ')}`);
process.exitCode = hasFailed || left.length > 0 ? 1 : 0;
