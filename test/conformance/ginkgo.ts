// Runs the specs: what may run side by side, then the rest one by one.
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { places } from './places.ts';
import { type Outcome, readReport } from './report.ts';
import type { Focus, Scope } from './specs.ts';

export interface RunRequest {
  readonly focus: Focus;
  readonly scope: Scope;
  readonly kubeconfig: string;
  /** Ginkgo's processes in the parallel part. */
  readonly processes: number;
  /** JUnit, JSON and logs go there, a folder a part. */
  readonly folder: string;
  readonly parts: readonly Part[];
  /** Names of specs to leave out. */
  readonly without: readonly string[];
}

export type Part = 'parallel' | 'serial';

const filters: Record<Part, string> = {
  parallel: '!Serial && !Disruptive',
  serial: '(Serial || Disruptive)',
};

export async function runSpecs(request: RunRequest): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const part of request.parts) outcomes.push(...(await runPart(part, request)));
  return outcomes;
}

async function runPart(part: Part, request: RunRequest): Promise<Outcome[]> {
  const { focus, scope, kubeconfig, processes, folder, without } = request;
  const out = join(folder, part);
  mkdirSync(out, { recursive: true });
  const labels = [scope === 'all' ? '' : 'Conformance', filters[part], focus.sig ?? ''].filter(Boolean);
  const args = [
    `--procs=${part === 'parallel' ? processes : 1}`,
    `--label-filter=${labels.join(' && ')}`,
    ...(focus.name ? [`--focus=${RegExp.escape(focus.name)}`] : []),
    ...without.map((name) => `--skip=${RegExp.escape(name)}`),
    '--timeout=4h',
    '--no-color',
    '--silence-skips',
    `--output-dir=${out}`,
    '--json-report=report.json',
    '--junit-report=junit.xml',
    join(places.programs, 'e2e.test'),
    '--',
    '--provider=skeleton',
    `--kubeconfig=${kubeconfig}`,
    `--kubectl-path=${join(places.programs, 'kubectl')}`,
    '--dns-domain=cluster.local',
  ];
  await ginkgo(args, join(out, 'ginkgo.log'));
  const report = join(out, 'report.json');
  if (!existsSync(report)) throw new Error(`the suite left no report; see ${join(out, 'ginkgo.log')}`);
  return readReport(readFileSync(report, 'utf8'));
}

/** Failing specs are in the report, so its exit code is of no interest. */
function ginkgo(args: readonly string[], logFile: string): Promise<void> {
  console.log(`ginkgo ${args[0]} ${args[1]}; log: ${logFile}`);
  return new Promise((resolve, reject) => {
    const child = spawn('nice', ['-n', '5', join(places.programs, 'ginkgo'), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: places.programs }, // kubectl keeps a cache there
    });
    const log = createWriteStream(logFile);
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    let isInterrupted = false;
    const interrupt = () => {
      isInterrupted = true;
      child.kill('SIGINT');
    };
    process.once('SIGINT', interrupt);
    child.once('error', reject);
    child.once('close', () => {
      process.off('SIGINT', interrupt);
      log.end(() => (isInterrupted ? reject(new Error('interrupted')) : resolve())); // no further part begins
    });
  });
}
