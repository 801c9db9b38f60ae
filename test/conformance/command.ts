// Runs programs to their end; what they print is the error's text when they fail.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** @throws with the last of what it printed */
export async function command(file: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const env = { ...process.env, ...options.env };
  try {
    const { stdout } = await promisify(execFile)(file, [...args], { ...options, env, maxBuffer: 256 << 20 });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '', message } = error as Error & { stdout?: string; stderr?: string };
    const last = `${stdout}${stderr}`.trim().split('\n').slice(-20).join('\n');
    throw new Error(`${[file, ...args].join(' ')}: ${last || message}`, { cause: error });
  }
}
