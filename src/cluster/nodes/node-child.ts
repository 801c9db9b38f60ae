// The node agent's process, seen from the server: started, started again when it fails, stopped in order.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { workerUrl } from '../../base/worker-url.ts';
import { enter } from '../../kubelet/runtime/containerd-daemon.ts';
import { identify, stopProcess } from '../settings/state.ts';
import type { NodeProcessOptions } from './node-process-options.ts';

export interface NodeChild {
  readonly pid: number;
  /** Ends the agent; the pods go on. */
  stop(): Promise<void>;
}

const restartDelayMs = 2000;
const graceMs = 10_000;
export const nodeFlags = ['--no-warnings', '--max-semi-space-size=4'];

export function startNodeChild(
  options: NodeProcessOptions,
  context: {
    readonly logFile: string;
    readonly clock: Clock;
    readonly log: Logger;
    readonly onStart: (pid: number) => void;
    /** Path of the network namespace it lives in. */
    readonly networkNamespace?: string | undefined;
    /** What pods may take to end when the agent is stopped. */
    readonly extraGraceMs?: number;
  },
): NodeChild {
  const stopping = new AbortController();
  let child = start();

  function start(): ChildProcess {
    const log = openSync(context.logFile, 'a', 0o600);
    const file = fileURLToPath(workerUrl('node-process'));
    // The pipe on standard input tells the agent when we are gone: it then waits for the next server.
    const argv = [...enter(context.networkNamespace), process.execPath, ...nodeFlags, file, JSON.stringify(options)];
    const started = spawn(argv[0]!, argv.slice(1), {
      stdio: ['pipe', log, log],
    });
    closeSync(log);
    started.stdin?.on('error', () => {});
    started.once('error', (error) => context.log.error('the node agent did not start', error));
    started.once('exit', (code, signal) => void restart(code, signal));
    if (started.pid) context.onStart(started.pid);
    return started;
  }

  async function restart(code: number | null, signal: string | null): Promise<void> {
    if (stopping.signal.aborted) return;
    context.log.warn('the node agent ended and is started again', { code: code ?? -1, signal: signal ?? '' });
    await context.clock.sleep(restartDelayMs, stopping.signal);
    if (!stopping.signal.aborted) child = start();
  }

  return {
    get pid() {
      return child.pid ?? 0;
    },
    async stop() {
      stopping.abort();
      if (child.pid) await stopProcess(identify(child.pid), graceMs + (context.extraGraceMs ?? 0));
    },
  };
}
