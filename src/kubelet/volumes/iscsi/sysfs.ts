// What the kernel says of sessions and their disks.
import { constants } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { splitPortal } from './disk.ts';

export interface IscsiSession {
  readonly host: number;
  readonly folder: string;
  /** `ADDRESS PORT`, as it was given and as it is now. */
  readonly portals: ReadonlySet<string>;
  readonly iface: string;
}

const list = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
const text = (file: string): Promise<string> =>
  readFile(file, 'utf8').then(
    (content) => content.trim(),
    () => '',
  );

/** Sessions with a target. */
export async function sessionsWith(sysfs: string, iqn: string): Promise<IscsiSession[]> {
  const hosts = join(sysfs, 'class/iscsi_host');
  const found: IscsiSession[] = [];
  for (const host of await list(hosts)) {
    const number = /^host(\d+)$/.exec(host)?.[1];
    if (number === undefined) continue;
    for (const session of await list(join(hosts, host, 'device'))) {
      if (!/^session\d+$/.test(session)) continue;
      const folder = join(hosts, host, 'device', session);
      const about = join(folder, 'iscsi_session', session);
      if ((await text(join(about, 'targetname'))) !== iqn) continue;
      const iface = await text(join(about, 'ifacename'));
      found.push({ host: Number(number), folder, portals: await portalsOf(folder), iface });
    }
  }
  return found;
}

async function portalsOf(session: string): Promise<Set<string>> {
  const portals = new Set<string>();
  for (const connection of await list(session)) {
    if (!connection.startsWith('connection')) continue;
    const folder = join(session, connection, 'iscsi_connection', connection);
    for (const kind of ['', 'persistent_']) {
      const address = await text(join(folder, `${kind}address`));
      if (address) portals.add(`${address} ${await text(join(folder, `${kind}port`))}`);
    }
  }
  return portals;
}

export function leadsTo({ portals }: IscsiSession, portal: string): boolean {
  const { address, port } = splitPortal(portal);
  return portals.has(`${address} ${port}`);
}

/** Not even root may open for reading what the kernel only lets write. A file that is not there is not made. */
const toKernel = { flag: constants.O_WRONLY };

/** Has the kernel look for one disk of a target, and for no other. */
export async function scanFor(sysfs: string, host: number, lun: number): Promise<void> {
  await writeFile(join(sysfs, 'class/scsi_host', `host${host}`, 'scan'), `0 0 ${lun}`, toKernel);
}

/** Names of disks (`sdb`) of a session; of one number, or all. */
export async function disksOf({ folder }: IscsiSession, lun?: number): Promise<string[]> {
  const names: string[] = [];
  for (const target of await list(folder)) {
    if (!target.startsWith('target')) continue;
    for (const unit of await list(join(folder, target))) {
      if (!/^\d+:\d+:\d+:\d+$/.test(unit)) continue;
      if (lun !== undefined && Number(unit.split(':')[3]) !== lun) continue;
      names.push(...(await list(join(folder, target, unit, 'block'))));
    }
  }
  return names;
}

/** The multipath device that a disk is a path of: `dm-0`. */
export async function multipathOf(sysfs: string, disk: string): Promise<string | undefined> {
  for (const name of await list(join(sysfs, 'block'))) {
    if (!name.startsWith('dm-')) continue;
    if (!(await list(join(sysfs, 'block', name, 'slaves'))).includes(basename(disk))) continue;
    // Volumes of LVM and encrypted ones have slaves too.
    if ((await text(join(sysfs, 'block', name, 'dm/uuid'))).startsWith('mpath-')) return name;
  }
  return undefined;
}

/** Has the kernel forget a disk. Nothing happens where it is gone. */
export async function forgetDisk(sysfs: string, name: string): Promise<void> {
  await writeFile(join(sysfs, 'block', name, 'device/delete'), '1', toKernel).catch((error) => {
    if (!['ENOENT', 'ENODEV', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  });
}
