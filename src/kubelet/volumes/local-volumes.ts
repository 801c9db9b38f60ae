// Directories of this node that are volumes: made when a pod first mounts one, removed when its volume is.
import { chmod, mkdir, rm } from 'node:fs/promises';
import { basename, dirname, join, normalize } from 'node:path';

const volumeName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;

export class LocalVolumes {
  /** Absolute. */
  readonly folder: string;

  constructor(nodeDir: string) {
    this.folder = join(nodeDir, 'local-volumes');
  }

  /** Makes the directory if it is one of ours to make. */
  async ensure(path: string): Promise<void> {
    const wanted = normalize(path);
    if (dirname(wanted) !== this.folder || !volumeName.test(basename(wanted))) return;
    // Names are not told to users of the machine; what a pod may do in its own is its user's matter.
    await mkdir(this.folder, { recursive: true, mode: 0o711 });
    const made = await mkdir(wanted, { recursive: true });
    if (made) await chmod(wanted, 0o777);
  }

  /** Removes it with all it holds; links are removed and not followed. May be repeated. @throws Error for what is no name */
  async remove(name: string): Promise<void> {
    if (!volumeName.test(name)) throw new Error(`${JSON.stringify(name)} is not the name of a volume`);
    await rm(join(this.folder, name), { recursive: true, force: true });
  }
}
