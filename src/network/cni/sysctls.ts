// Kernel switches the pod network needs. They belong to the machine and not to one cluster, so what they were is noted
// under /run, with who uses them; the last cluster to leave puts them back.
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isAbandoned, writeClaim } from '../../base/claim-file.ts';

const always: Readonly<Record<string, string>> = { 'net/ipv4/ip_forward': '1' };
const ofIPv6: Readonly<Record<string, string>> = { 'net/ipv6/conf/all/forwarding': '1' };

export interface SysctlOptions {
  readonly clusterName: string;
  /** A folder that is there as long as the cluster: when it is gone, so is who used the switches. */
  readonly owner: string;
  /** Pods have addresses of IPv6 as well. */
  readonly usesIPv6?: boolean;
  /** Devices whose routes of IPv6 were learned from a router. */
  readonly learning?: readonly string[];
  /** Default /run/coracle/network. */
  readonly recordDir?: string;
  /** Default /proc/sys. */
  readonly sysctlDir?: string;
}

const defaults = { recordDir: '/run/coracle/network', sysctlDir: '/proc/sys' };

export async function applySysctls(options: SysctlOptions): Promise<void> {
  const { recordDir, sysctlDir } = { ...defaults, ...options };
  await mkdir(join(recordDir, 'users'), { recursive: true });
  writeClaim(join(recordDir, 'users', options.clusterName), options.owner);
  const record = await readRecord(recordDir);
  for (const [name, value] of wanted(options)) {
    const now = await readFile(join(sysctlDir, name), 'utf8').catch(() => undefined);
    if (now === undefined || (name.endsWith(learns) && now.trim() === '0')) continue;
    if (now.trim() !== value) {
      record[name] ??= now.trim();
      await writeFile(join(recordDir, 'before.json'), JSON.stringify(record));
      await writeFile(join(sysctlDir, name), value);
    }
  }
}

const learns = '/accept_ra';

/** Who forwards learns no routes any more, and loses those it has, unless told before: first the devices that do. */
function wanted({ usesIPv6, learning = [] }: SysctlOptions): [string, string][] {
  const ofDevices = learning.map((device): [string, string] => [`net/ipv6/conf/${device}${learns}`, '2']);
  return [...Object.entries(always), ...(usesIPv6 ? [...ofDevices, ...Object.entries(ofIPv6)] : [])];
}

/** Forgets this cluster; puts everything back when no other that is still there uses it. May be repeated. */
export async function restoreSysctls(
  options: Pick<SysctlOptions, 'clusterName' | 'recordDir' | 'sysctlDir'>,
): Promise<void> {
  const { recordDir, sysctlDir } = { ...defaults, ...options };
  const folder = join(recordDir, 'users');
  await rm(join(folder, options.clusterName), { force: true });
  const users = await readdir(folder).catch(() => []);
  if (!users.every((name) => isAbandoned(join(folder, name)))) return;
  for (const [name, value] of Object.entries(await readRecord(recordDir))) {
    await writeFile(join(sysctlDir, name), value).catch(() => {}); // the module may be gone by now
  }
  await rm(recordDir, { recursive: true, force: true });
  await rmdir(dirname(recordDir)).catch(() => {}); // others keep things there, or it never was
}

async function readRecord(recordDir: string): Promise<Record<string, string>> {
  const text = await readFile(join(recordDir, 'before.json'), 'utf8').catch(() => '{}');
  try {
    return JSON.parse(text) as Record<string, string>;
  } catch {
    return {}; // cut short by a crash: nothing to go back to
  }
}
