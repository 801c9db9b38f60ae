// What drivers in containers mount shall be seen on the machine, and in other containers. Containers may pass mounts on from
// a shared mount alone, and not every machine has one at its root.
import { execFile } from 'node:child_process';
import { mkdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

interface MountLine {
  readonly point: string;
  readonly isShared: boolean;
}

/** The mount that a path is on, by the kernel's table; the last one covers those before it. */
export function mountOf(path: string, table: string): MountLine | undefined {
  let found: MountLine | undefined;
  for (const line of table.split('\n')) {
    const fields = line.split(' ');
    const point = fields[4]?.replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(Number.parseInt(octal, 8)),
    );
    if (point === undefined || !(point === '/' || path === point || path.startsWith(`${point}/`))) continue;
    if (found && point.length < found.point.length) continue;
    const optional = fields.slice(6, fields.indexOf('-'));
    found = { point, isShared: optional.some((field) => field.startsWith('shared:')) };
  }
  return found;
}

/** Makes the folder, and a shared mount of it where it is on none. May be repeated. */
export async function shareMounts(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const mount = mountOf(folder, await readFile('/proc/self/mountinfo', 'utf8'));
  if (!mount || mount.isShared) return;
  // With what is mounted below already: an agent before this one may have run pods.
  if (mount.point !== folder) await run('mount', ['--no-canonicalize', '--rbind', folder, folder]);
  await run('mount', ['--make-shared', folder]);
}
