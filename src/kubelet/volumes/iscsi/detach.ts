// Takes a disk from the machine that no pod of this node uses any more, and logs out where it was the last one.
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { untilSettled } from '../../../base/signals.ts';
import { unmountDevice } from '../format-and-mount.ts';
import type { Mounter } from '../mounter.ts';
import { linksTo } from './attach.ts';
import type { DiskStore, KnownDisk } from './disk-store.ts';
import { isOfNoTarget } from './records.ts';
import type { IscsiMachine } from './settings.ts';
import { disksOf, forgetDisk, type IscsiSession, leadsTo, multipathOf, sessionsWith } from './sysfs.ts';
import type { Turns } from './turns.ts';

export interface DetachOptions {
  readonly machine: IscsiMachine;
  /** What is done with the record of a portal. */
  readonly portals: Turns;
  readonly store: DiskStore;
  readonly mounter: Mounter;
  readonly signal: AbortSignal;
}

/** Exit statuses of the tool that say that there is nothing to do. */
const sessionNotFound = 2;
const nothingFound = 21;

/** @throws Error while somebody on this machine uses it, or its target; may be repeated */
export async function detach(known: KnownDisk, options: DetachOptions): Promise<void> {
  const { machine, store, mounter } = options;
  const { disk } = known;
  const mountPoint = store.mountPoint(disk);
  if ((await mounter.mountsBelow(mountPoint)).includes(mountPoint)) await unmountDevice(mountPoint, machine.run);
  const sessions = (await sessionsWith(machine.sysfs, disk.iqn)).filter((session) =>
    disk.portals.some((portal) => leadsTo(session, portal)),
  );
  await removeDevices(known, sessions, options);
  const others = (await store.all()).filter(({ folder, disk: { iqn } }) => folder !== known.folder && iqn === disk.iqn);
  for (const portal of disk.portals)
    if (!others.some((other) => other.disk.portals.includes(portal)))
      await logOut(
        portal,
        known,
        sessions.filter((session) => leadsTo(session, portal)),
        options,
      );
  await store.remove(known, mounter);
}

async function removeDevices({ disk }: KnownDisk, sessions: readonly IscsiSession[], options: DetachOptions) {
  const { sysfs, devices, byPath, run } = options.machine;
  const names = new Set<string>();
  for (const session of sessions) for (const name of await disksOf(session, disk.lun)) names.add(name);
  const maps = new Set<string>();
  for (const name of names) {
    const map = await multipathOf(sysfs, name);
    if (map) maps.add(map);
  }
  const paths = [...(maps.size > 0 ? maps : names)].map((name) => join(devices, name));
  for (const portal of disk.portals)
    for (const link of await linksTo(disk, portal, byPath, 'tcp')) {
      const path = await realpath(link).catch(() => undefined);
      if (path && !names.has(basename(path))) paths.push(path);
    }
  for (const path of paths) await requireIdle(path);
  for (const map of maps) await run('multipath', ['-f', join(devices, map)], options.signal);
  for (const name of names) await forgetDisk(sysfs, name);
}

async function logOut(
  portal: string,
  { disk }: KnownDisk,
  sessions: readonly IscsiSession[],
  { machine, portals: records, signal }: DetachOptions,
): Promise<void> {
  const { iqn, iface, portals, initiatorName } = disk;
  // Another agent of this machine, or its owner, may have a disk of the same session.
  for (const session of sessions)
    for (const name of await disksOf(session)) await requireIdle(join(machine.devices, name));
  // Not to be stopped half-way; an agent that stops does not wait for it, and the next one looks again.
  const iscsiadm = async (args: readonly string[]) => {
    signal.throwIfAborted();
    const going = machine.run('iscsiadm', args);
    await untilSettled(going, signal);
    signal.throwIfAborted();
    return going;
  };
  const run = async (args: readonly string[], harmless: readonly number[]) => {
    const { status, output, problem } = await iscsiadm(args);
    // Without the tool there can be no session.
    if (problem && status !== undefined && !harmless.includes(status))
      throw new Error(`iscsi: iscsiadm ${args.join(' ')}: ${output} (${problem})`);
  };
  const ifaces = new Set([iface, ...sessions.map((session) => session.iface).filter((name) => name !== '')]);
  for (const each of ifaces) {
    const record = ['-m', 'node', '-p', portal, '-T', iqn, '-I', each];
    await run([...record, '--logout'], [sessionNotFound, nothingFound]);
    await run([...record, '-o', 'delete'], [sessionNotFound, nothingFound]);
  }
  await records.take(portal, signal, async () => {
    if (await isOfNoTarget(machine.records, portal))
      await iscsiadm(['-m', 'discoverydb', '-t', 'sendtargets', '-p', portal, '-o', 'delete']);
  });
  if (initiatorName !== '' && portal === portals.at(-1)) await iscsiadm(['-m', 'iface', '-I', iface, '-o', 'delete']);
}

/** A mounted device is open for its file system alone, also when that is out of sight in a container. */
async function requireIdle(path: string): Promise<void> {
  const { O_RDONLY, O_EXCL, O_NONBLOCK } = constants;
  try {
    await (await open(path, O_RDONLY | O_EXCL | O_NONBLOCK)).close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY')
      throw new Error(`iscsi: ${path} is still in use`, { cause: error });
    // One that is gone, or broken, is in nobody's way.
  }
}
