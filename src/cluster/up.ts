// `coracle up`: in the foreground the cluster runs in this process; detached, in one of its own that tells of its steps.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shrinkAtRest } from '../base/rest.ts';
import { workerUrl } from '../base/worker-url.ts';
import { takeDown } from './down.ts';
import { exitCodes, UserFailure } from './failure.ts';
import { contextName } from './settings/layout.ts';
import { makeDataDir } from './settings/make-data-dir.ts';
import { isAlive, isServer, readState } from './settings/state.ts';
import type { Progress, Report, UpOptions } from './settings/up-options.ts';

/** A server that comes up may take this long for one step before it is said to be stuck: slow machines take all the longer for each. */
const patienceMs = 120_000;

/**
 * Node flags of the server's process. A smaller young generation saves 5 MB at rest and costs a quarter of the writes. Heaps
 * may double before they are collected and no more: left alone they grow to four times what is in them, in each thread.
 * The young generation is collected by its own thread: with helpers it waits for those that get no processor, on a busy
 * machine ten times as long as the work takes. V8's helpers, four wherever it runs, take turns with the threads that serve:
 * one processor is left to those.
 */
const serverFlags = [
  '--no-warnings',
  '--max-semi-space-size=16',
  '--heap-growing-percent=100',
  '--no-parallel-scavenge',
  `--v8-pool-size=${Math.max(1, Math.min(4, availableParallelism() - 1))}`,
];

/** Starts the cluster in a process of its own and returns when it is ready. */
export async function upDetached(options: UpOptions, report: Report): Promise<void> {
  if (reportRunning(options, report)) return;
  makeDataDir(options.layout.logs);
  const log = openSync(join(options.layout.logs, 'server.log'), 'a', 0o600);
  const file = fileURLToPath(workerUrl('server-process'));
  const child = spawn(process.execPath, [...serverFlags, file, JSON.stringify(options)], {
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  try {
    await followProgress(child, report, options);
  } finally {
    if (child.connected) child.disconnect();
    child.unref();
  }
}

function followProgress(child: ChildProcess, report: Report, options: UpOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (code: string, message: string, exitCode: number) =>
      reject(new UserFailure(exitCode, code, message, `see the log: coracle logs --name ${options.layout.name}`));
    const timer = setTimeout(
      () => giveUp('E_TIMEOUT', 'the cluster did not come up in time', exitCodes.timeout),
      patienceMs,
    );
    child.on('message', (progress: Progress) => {
      timer.refresh();
      if (progress.type === 'failed') {
        reject(new UserFailure(progress.exitCode, progress.code, progress.message, progress.remedy));
      } else {
        report(progress);
        if (progress.type === 'ready') resolve();
      }
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      giveUp('E_SERVER_EXIT', `the server ended with exit code ${code}`, exitCodes.internal),
    );
    const settled = () => clearTimeout(timer);
    child.once('disconnect', settled);
    child.once('exit', settled);
  });
}

/** Runs the cluster here until a signal comes. Ctrl-C takes the pods down too; SIGTERM leaves them to the next `up`. */
export async function upForeground(options: UpOptions, report: Report): Promise<void> {
  if (reportRunning(options, report)) return;
  const { startServer } = await import('./server.ts');
  const server = await startServer(options, report);
  shrinkAtRest();
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  process.once('SIGINT', () => process.exit(130));
  await server.stop();
  if (signal === 'SIGINT') await takeDown(options.layout, { keepPods: false });
}

function reportRunning({ layout }: UpOptions, report: Report): boolean {
  const state = readState(layout);
  const server = state?.components.find(({ name }) => isServer(name));
  if (!server || !isAlive(server)) return false;
  report({
    type: 'notice',
    text: `cluster "${layout.name}" is already running at ${server.address} (context ${contextName(layout.name)})`,
  });
  return true;
}
