// Logs in at a target and waits for the disk. Messages and order of steps are upstream's.
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import type { ToolResult } from '../run-tool.ts';
import { type IscsiDisk, splitPortal } from './disk.ts';
import { type ChapSecret, isOfNoTarget, writeDiscoveryChap, writeSessionChap } from './records.ts';
import { type IscsiMachine, until } from './settings.ts';
import { leadsTo, multipathOf, scanFor, sessionsWith } from './sysfs.ts';
import type { Turns } from './turns.ts';

export interface AttachOptions {
  readonly machine: IscsiMachine;
  /** What is done with the record of a portal. */
  readonly portals: Turns;
  readonly clock: Clock;
  /** Undefined where the portal, or the target, asks for none. */
  readonly discoveryChap: ChapSecret | undefined;
  readonly sessionChap: ChapSecret | undefined;
  readonly signal: AbortSignal;
}

/** With so many paths a disk of several is good enough, after so many rounds; after the last round one path will do. */
const goodPaths = 2;
const goodRounds = 2;
const mostRounds = 5;
const sessionExists = 15;

/** The path of the device. May be repeated. @throws Error of the last portal when no path leads there */
export async function attach(disk: IscsiDisk, options: AttachOptions): Promise<string> {
  const { machine, signal } = options;
  const transport = await transportOf(disk, options);
  if (disk.iface !== disk.baseIface && !(await isLoggedIn(disk, machine))) await cloneInterface(disk, options);
  const paths = new Map<string, string>();
  let problem = '';
  for (let round = 1; round <= mostRounds; round++) {
    for (const portal of disk.portals) {
      if (paths.has(portal)) continue;
      try {
        paths.set(portal, await attachBy(portal, disk, transport, options));
      } catch (error) {
        signal.throwIfAborted();
        problem = (error as Error).message;
      }
    }
    if (paths.size === 0) {
      if (disk.iface !== disk.baseIface) await iscsiadm(options, ['-m', 'iface', '-I', disk.iface, '-o', 'delete']);
      throw new Error(`failed to get any path for iscsi disk, last err seen:\n${problem}`);
    }
    if (paths.size === disk.portals.length || (paths.size >= goodPaths && round >= goodRounds)) break;
  }
  return devicePath([...paths.values()], disk.portals.length > 1, options);
}

/** Links that lead to a disk, or would. */
export async function linksTo(
  { iqn, lun }: IscsiDisk,
  portal: string,
  byPath: string,
  transport: string,
): Promise<string[]> {
  const { address, port } = splitPortal(portal);
  const name = `ip-${address}:${port}-iscsi-${iqn}-lun-${lun}`;
  if (transport === 'tcp') return [join(byPath, name)];
  // Which card it goes by is not known.
  const names = await readdir(byPath).catch(() => []);
  const found = names.filter((each) => each.startsWith('pci-') && each.endsWith(`-${name}`));
  return found.sort().map((each) => join(byPath, each));
}

/** Not to be stopped half-way: its lock would stay, and a login would go on without anybody who knows of it. */
async function iscsiadm({ machine, signal }: AttachOptions, args: readonly string[]): Promise<ToolResult> {
  signal.throwIfAborted();
  return machine.run('iscsiadm', args);
}

async function isLoggedIn({ iqn, portals }: IscsiDisk, { sysfs }: IscsiMachine): Promise<boolean> {
  const sessions = await sessionsWith(sysfs, iqn);
  return portals.every((portal) => sessions.some((session) => leadsTo(session, portal)));
}

async function transportOf({ baseIface }: IscsiDisk, options: AttachOptions): Promise<string> {
  const shown = await iscsiadm(options, ['-m', 'iface', '-I', baseIface, '-o', 'show']);
  if (shown.problem && shown.status === undefined) throw new Error(shown.problem);
  if (shown.problem) throw new Error(`iscsi: could not read iface ${baseIface} error: ${told(shown)}`);
  const [, name = ''] = /iface\.transport_name = (.*)\n/.exec(shown.output) ?? [];
  if (name === '') throw new Error(`could not parse iface file for ${baseIface}`);
  return name === '<empty>' ? 'tcp' : name;
}

/** An interface like the other one, with an initiator's name of its own. */
async function cloneInterface({ baseIface, iface, initiatorName }: IscsiDisk, options: AttachOptions): Promise<void> {
  const shown = await iscsiadm(options, ['-m', 'iface', '-I', baseIface, '-o', 'show']);
  if (shown.problem) throw new Error(`iscsi: failed to show iface records: ${told(shown)}`);
  const values = new Map<string, string>();
  for (const line of shown.output.split('\n')) {
    const [, key, value] = /^(iface\.\S+) = (\S+)$/.exec(line) ?? [];
    if (key && value && value !== '<empty>' && key !== 'iface.iscsi_ifacename') values.set(key, value);
  }
  values.set('iface.initiatorname', initiatorName);
  const made = await iscsiadm(options, ['-m', 'iface', '-I', iface, '-o', 'new']);
  if (made.problem && made.status !== sessionExists)
    throw new Error(`iscsi: failed to create new iface: ${told(made)}`);
  for (const [key, value] of [...values].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const updated = await iscsiadm(options, ['-m', 'iface', '-I', iface, '-o', 'update', '-n', key, '-v', value]);
    if (!updated.problem) continue;
    await iscsiadm(options, ['-m', 'iface', '-I', iface, '-o', 'delete']);
    throw new Error(`iscsi: failed to update iface records: ${told(updated)}. iface(${baseIface}) will be used`);
  }
}

/** The link to the disk by one portal. */
async function attachBy(portal: string, disk: IscsiDisk, transport: string, options: AttachOptions): Promise<string> {
  const { machine, clock, signal } = options;
  const session = async () => (await sessionsWith(machine.sysfs, disk.iqn)).find((each) => leadsTo(each, portal));
  let known = await session();
  if (!known) {
    await options.portals.take(portal, signal, () => discover(portal, disk, options));
    await logIn(portal, disk, options);
    known = await session();
  }
  // Without a session of that address the kernel may have looked for disks by itself.
  if (known) await scanFor(machine.sysfs, known.host, disk.lun);
  const found = await until(clock, machine.deviceWaitMs, signal, async () => {
    const links = await linksTo(disk, portal, machine.byPath, transport);
    const isThere = await Promise.all(links.map((link) => stat(link).then(() => true, isMissing)));
    return links.find((_, index) => isThere[index]);
  });
  if (found) return found;
  const [expected = `for ${portal}`] = await linksTo(disk, portal, machine.byPath, 'tcp');
  const seconds = Math.round(machine.deviceWaitMs / 1000);
  throw new Error(`Timed out waiting for device at path ${expected} after ${seconds}s`);
}

/** Has the portal tell its targets; the tool makes records of them. */
async function discover(portal: string, { iface }: IscsiDisk, options: AttachOptions): Promise<void> {
  const { machine, discoveryChap } = options;
  const record = ['-m', 'discoverydb', '-t', 'sendtargets', '-p', portal, '-I', iface];
  await iscsiadm(options, [...record, '-o', 'new']);
  try {
    if (discoveryChap) await writeDiscoveryChap(machine.records, portal, discoveryChap);
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(`iscsi: failed to update discoverydb to portal ${portal} error: ${why}`, { cause: error });
  }
  let answer: ToolResult;
  try {
    answer = await iscsiadm(options, [...record, '--discover']);
  } finally {
    // Nobody needs the password any more.
    if (discoveryChap) await writeDiscoveryChap(machine.records, portal, undefined);
  }
  if (!answer.problem) return;
  if (await isOfNoTarget(machine.records, portal)) await iscsiadm(options, [...record, '-o', 'delete']);
  const { output, problem } = answer;
  throw new Error(`iscsi: failed to sendtargets to portal ${portal} output: ${output}, err ${problem}`);
}

async function logIn(portal: string, disk: IscsiDisk, options: AttachOptions): Promise<void> {
  const { iqn, iface } = disk;
  const { machine, sessionChap } = options;
  const record = ['-m', 'node', '-p', portal, '-T', iqn, '-I', iface];
  const set = (key: string, value: string) => iscsiadm(options, [...record, '-o', 'update', '-n', key, '-v', value]);
  // Only the disk that is asked for; old tools do not know it.
  await set('node.session.scan', 'manual');
  try {
    if (sessionChap) await writeSessionChap(machine.records, portal, disk, sessionChap);
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(`iscsi: failed to update iscsi node to portal ${portal} error: ${why}`, { cause: error });
  }
  const answer = await iscsiadm(options, [...record, '--login']);
  if (answer.problem && answer.status !== sessionExists) {
    await iscsiadm(options, [...record, '-o', 'delete']);
    throw new Error(`iscsi: failed to attach disk: Error: ${told(answer)}`);
  }
  // Not at the machine's next start, before anybody asks for it.
  await set('node.startup', 'manual');
}

/** The device of several paths where there is one. */
async function devicePath(
  links: readonly string[],
  isMultipath: boolean,
  { machine, clock, signal }: AttachOptions,
): Promise<string> {
  const { sysfs, devices } = machine;
  const found = await until(clock, isMultipath ? machine.multipathWaitMs : 0, signal, async () => {
    for (const link of links) {
      const name = await multipathOf(sysfs, basename(await realpath(link)));
      if (name) return join(devices, name);
    }
    return undefined;
  });
  return found ?? links[0]!;
}

const told = ({ output, problem }: ToolResult): string => `${output} (${problem})`;

function isMissing(error: NodeJS.ErrnoException): false {
  if (error.code !== 'ENOENT') throw error;
  return false;
}
