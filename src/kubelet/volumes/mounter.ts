// Mounts by the system's own tool, with an argument list; the kernel's table is the only memory of what is mounted.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Mounter {
  /**
   * A file system of some other machine or device. Waits as long as the tool does, or until the signal.
   *
   * @throws Error with the command and what it said, as upstream tells them
   */
  mount(type: string, source: string, target: string, options: readonly string[], signal: AbortSignal): Promise<void>;
  mountTmpfs(path: string, options: { sizeBytes?: number; mode?: string }): Promise<void>;
  /** `source` may be `/proc/PID/fd/N`: it is not resolved again. */
  bind(source: string, target: string): Promise<void>;
  unmount(path: string): Promise<void>;
  /** Mount points at or below a path, deepest first. */
  mountsBelow(path: string): Promise<string[]>;
}

export const systemMounter: Mounter = {
  async mount(type, source, target, options, signal) {
    const args = ['-t', type, ...(options.length > 0 ? ['-o', options.join(',')] : []), source, target];
    try {
      await run('mount', args, { signal });
    } catch (error) {
      const { code, stderr = '', stdout = '' } = error as { code?: number; stderr?: string; stdout?: string };
      const told = `Mounting command: mount\nMounting arguments: ${args.join(' ')}\nOutput: ${stdout}${stderr}`;
      throw new Error(`mount failed: exit status ${code}\n${told}`, { cause: error });
    }
  },
  async mountTmpfs(path, { sizeBytes, mode }) {
    const options = [...(sizeBytes ? [`size=${sizeBytes}`] : []), ...(mode ? [`mode=${mode}`] : [])];
    await run('mount', ['-t', 'tmpfs', ...(options.length ? ['-o', options.join(',')] : []), 'tmpfs', path]);
  },
  async bind(source, target) {
    await run('mount', ['--no-canonicalize', '--bind', source, target]);
  },
  async unmount(path) {
    // Lazy: a process of ours that still looks inside must not keep a pod from going.
    await run('umount', ['--lazy', '--no-canonicalize', path]);
  },
  async mountsBelow(path) {
    const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
    return table
      .split('\n')
      .map((line) => unescapeMount(line.split(' ')[4] ?? ''))
      .filter((point) => point === path || point.startsWith(`${path}/`))
      .sort((a, b) => b.length - a.length);
  },
};

function unescapeMount(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
