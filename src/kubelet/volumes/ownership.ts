// Gives a volume to a pod's fsGroup. Others may write the volume meanwhile and put links where folders were: the way down
// goes from one open folder to the next, and what is changed is what was opened.
import { constants } from 'node:fs';
import { chmod, chown, type FileHandle, lchown, open, readdir } from 'node:fs/promises';

const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;
const pathOnly = 0o10000000; // O_PATH: links, sockets and devices open too, and nothing is read

const through = (handle: FileHandle): string => `/proc/self/fd/${handle.fd}`;

/** Each level keeps a descriptor; paths that programs can use have fewer. */
const maxDepth = 1_000;

export interface OwnershipOptions {
  readonly gid: number;
  /** Nothing is done when the root is as it should be. */
  readonly onlyOnMismatch?: boolean;
  /** The group may read only. */
  readonly isReadOnly?: boolean;
  /** What could not be changed; the rest is. */
  readonly onRefused?: (error: Error) => void;
  /** After each file. */
  readonly onChanged?: () => void;
}

/**
 * Folders get the set-group-id bit, so that what is made in them belongs to the group as well. Links are not followed. The
 * root comes last: who was interrupted begins again.
 * @throws when a folder cannot be read
 */
export async function giveToGroup(root: string, options: OwnershipOptions): Promise<void> {
  const trail: Level[] = [];
  try {
    const first = await look(root, options);
    if (first) trail.push(first);
    if (first && options.onlyOnMismatch && (await isGiven(first, options))) return;
    for (let level = trail.at(-1); level; level = trail.at(-1)) {
      const name = level.names.pop();
      if (name === undefined) {
        await change(through(level.folder), level.mode | folderBits(options), options);
        await trail.pop()!.folder.close();
        continue;
      }
      if (trail.length > maxDepth) throw new Error(`folders below ${root} are more than ${maxDepth} deep`);
      const next = await look(`${through(level.folder)}/${name}`, options);
      if (next) trail.push(next);
    }
  } finally {
    for (const { folder } of trail) await folder.close();
  }
}

interface Level {
  readonly folder: FileHandle;
  readonly mode: number;
  /** Still to be done. */
  readonly names: string[];
}

const fileBits = ({ isReadOnly }: OwnershipOptions): number => (isReadOnly ? 0o440 : 0o660);
const folderBits = (options: OwnershipOptions): number => fileBits(options) | 0o2110;

async function isGiven({ folder, mode }: Level, options: OwnershipOptions): Promise<boolean> {
  const bits = folderBits(options);
  return (await folder.stat()).gid === options.gid && (mode & bits) === bits;
}

/** Changes what is no folder. @returns a folder, to be changed after what is in it */
async function look(path: string, options: OwnershipOptions): Promise<Level | undefined> {
  const handle = await open(path, pathOnly | O_NOFOLLOW).catch(unlessGone);
  if (!handle) return undefined;
  try {
    const stats = await handle.stat();
    const mode = stats.mode & 0o7777;
    if (stats.isDirectory()) {
      const folder = await open(through(handle), O_RDONLY | O_DIRECTORY);
      const names = await readdir(through(folder)).catch(async (error) => {
        await folder.close();
        throw error;
      });
      return { folder, mode, names };
    }
    if (stats.isSymbolicLink()) await lchown(path, -1, options.gid).catch(refused(options));
    else await change(through(handle), mode | fileBits(options), options);
    return undefined;
  } finally {
    await handle.close();
  }
}

/** Of what a descriptor stands for: the last step of such a path is no link that somebody could have put there. */
async function change(path: string, mode: number, options: OwnershipOptions): Promise<void> {
  await chown(path, -1, options.gid).catch(refused(options));
  await chmod(path, mode).catch(refused(options));
  options.onChanged?.();
}

/** A file system that has no owners, or a server that keeps them to itself, is no reason not to start. */
function refused({ onRefused }: OwnershipOptions): (error: Error) => void {
  return (error) => onRefused?.(error);
}

function unlessGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
