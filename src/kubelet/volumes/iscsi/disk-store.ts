// The disks of this node and the pods that use them, in upstream's places of the node's folder: all that is known of them after
// the agent was killed.
import { access, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Mounter } from '../mounter.ts';
import type { IscsiDisk } from './disk.ts';

const diskFile = 'iscsi.json';

export interface KnownDisk {
  readonly disk: IscsiDisk;
  readonly folder: string;
  /** Uids of pods that use it, or may. */
  readonly users: readonly string[];
}

export class DiskStore {
  readonly #nodeDir: string;

  constructor(nodeDir: string) {
    this.#nodeDir = nodeDir;
  }

  get #plugin(): string {
    return join(this.#nodeDir, 'plugins/kubernetes.io/iscsi');
  }

  get #devices(): string {
    return join(this.#plugin, 'volumeDevices');
  }

  folder({ iface, portals, iqn, lun, isBlock }: IscsiDisk): string {
    const name = `${portals[0]}-${iqn}-lun-${lun}`;
    return join(isBlock ? this.#devices : this.#plugin, `iface-${iface}`, name);
  }

  /** Where its file system is mounted for all pods of the node. */
  mountPoint(disk: IscsiDisk): string {
    return join(this.folder(disk), 'globalmount');
  }

  podDir(podUid: string): string {
    return join(this.#nodeDir, 'pods', podUid);
  }

  podVolumes(podUid: string): string {
    return join(this.podDir(podUid), 'volumes/kubernetes.io~iscsi');
  }

  podDevices(podUid: string): string {
    return join(this.podDir(podUid), 'volumeDevices/kubernetes.io~iscsi');
  }

  /** Before anything is done for the pod: whatever happens then is found again. */
  async addUser(disk: IscsiDisk, podUid: string): Promise<void> {
    const folder = this.folder(disk);
    await mkdir(join(folder, 'users'), { recursive: true, mode: 0o750 });
    const before = await readDisk(folder);
    // Another volume may name other portals of the same disk: all are logged out in the end, and none is free before.
    const portals = [...new Set([...disk.portals, ...(before?.portals ?? [])])];
    const uniqueNames = [...new Set([...disk.uniqueNames, ...(before?.uniqueNames ?? [])])];
    const draft = join(folder, `.${diskFile}`);
    await writeFile(draft, JSON.stringify({ ...disk, portals, uniqueNames }), { mode: 0o600 });
    await rename(draft, join(folder, diskFile));
    await writeFile(join(folder, 'users', podUid), '');
  }

  async removeUser({ folder }: KnownDisk, podUid: string): Promise<void> {
    await rm(join(folder, 'users', podUid), { force: true });
  }

  async all(): Promise<KnownDisk[]> {
    const found: KnownDisk[] = [];
    for (const root of [this.#plugin, this.#devices])
      for (const iface of await list(root)) {
        if (!iface.startsWith('iface-')) continue;
        for (const name of await list(join(root, iface))) {
          const folder = join(root, iface, name);
          const disk = await readDisk(folder);
          if (disk) found.push({ disk, folder, users: await list(join(folder, 'users')) });
        }
      }
    return found;
  }

  /** Pods that are gone altogether use nothing: an agent was killed between two steps. */
  async forgetLostPods(): Promise<void> {
    for (const known of await this.all())
      for (const uid of known.users) {
        const isThere = await access(this.podDir(uid)).then(
          () => true,
          () => false,
        );
        if (!isThere) await this.removeUser(known, uid);
      }
  }

  /** @throws Error while something is mounted there */
  async remove({ folder }: KnownDisk, mounter: Mounter): Promise<void> {
    if ((await mounter.mountsBelow(folder)).length > 0) throw new Error(`iscsi: something is mounted below ${folder}`);
    await rm(folder, { recursive: true, force: true });
    await rmdir(dirname(folder)).catch(() => undefined); // others are in it
  }
}

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

async function readDisk(folder: string): Promise<IscsiDisk | undefined> {
  try {
    return JSON.parse(await readFile(join(folder, diskFile), 'utf8')) as IscsiDisk;
  } catch {
    return undefined; // the machine lost its power while it was written: no session outlived that
  }
}
