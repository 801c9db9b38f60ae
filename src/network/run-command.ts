// Runs the network's own programs: an argument list, never a shell.
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

// A service's PATH often lacks the folders where nft, ip and conntrack live.
const searchPath = [process.env['PATH'] ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin'].join(':');

export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  /** The program is not installed. */
  readonly isMissing: boolean;

  constructor(message: string, isMissing: boolean, cause: unknown) {
    super(message, { cause });
    this.isMissing = isMissing;
  }
}

/** Runs a program whose standard input is an open file; for those that open their input again by name. */
export async function runWithInput(command: string, args: readonly string[], inputFd: number): Promise<void> {
  const child = spawn(command, [...args], {
    stdio: [inputFd, 'ignore', 'pipe'],
    timeout: 60_000,
    env: { ...process.env, PATH: searchPath, LC_ALL: 'C' },
  });
  let complaint = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    if (complaint.length < 2000) complaint += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error: NodeJS.ErrnoException) =>
      reject(new CommandFailure(`${command}: ${error.message}`, error.code === 'ENOENT', error)),
    );
    child.on('close', resolve);
  });
  if (code !== 0) throw new CommandFailure(`${command}: ${complaint.trim() || `ended with ${code}`}`, false, undefined);
}

export interface CommandOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** What the program printed. @throws CommandFailure with what it complained of. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  try {
    const { stdout } = await run(command, [...args], {
      timeout: options.timeoutMs ?? 60_000,
      maxBuffer: 256 * 1024 * 1024,
      env: { ...process.env, PATH: searchPath, LC_ALL: 'C' },
      ...(options.signal && { signal: options.signal }),
    });
    return stdout;
  } catch (error) {
    const { code, stderr, message } = error as NodeJS.ErrnoException & { stderr?: string };
    const text = (stderr?.trim() || message).slice(0, 2000);
    throw new CommandFailure(`${command}: ${text}`, code === 'ENOENT', error);
  }
}
