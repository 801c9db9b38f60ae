// Runs programs of the machine, always with a list of arguments.
import { execFile } from 'node:child_process';

export interface ToolResult {
  /** Exit status; undefined when the program is not there or was stopped. */
  readonly status: number | undefined;
  readonly output: string;
  /** Why it failed, in the words of upstream; '' when it did not. */
  readonly problem: string;
}

export type RunTool = (program: string, args: readonly string[], signal?: AbortSignal) => Promise<ToolResult>;

/** How long a program may take; those that work on a disk take as long as that is large. */
const longestMs: Readonly<Record<string, number>> = { iscsiadm: 300_000, multipath: 60_000, blkid: 60_000 };
const mostOutput = 8 * 2 ** 20;

/** @throws the signal's reason when nobody waits any more */
export const runTool: RunTool = (program, args, signal) =>
  new Promise((resolve, reject) => {
    const options = { timeout: longestMs[program] ?? 0, maxBuffer: mostOutput, ...(signal ? { signal } : {}) };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      const output = `${stdout}${stderr}`;
      if (!error) return resolve({ status: 0, output, problem: '' });
      if (signal?.aborted) return reject(signal.reason);
      const { code, signal: killer } = error;
      if ((code as unknown) === 'ENOENT') {
        const problem = `exec: ${JSON.stringify(program)}: executable file not found in $PATH`;
        return resolve({ status: undefined, output, problem });
      }
      const problem = typeof code === 'number' ? `exit status ${code}` : killer ? `signal: ${killer}` : error.message;
      resolve({ status: typeof code === 'number' ? code : undefined, output, problem });
    });
  });
