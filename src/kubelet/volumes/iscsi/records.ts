// The initiator's records as files. Its tool takes values as arguments, which every user of the machine may read; names and
// passwords for CHAP are therefore written into the records themselves, which are for root alone.
import { randomUUID } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type IscsiDisk, splitPortal } from './disk.ts';

export type ChapSecret = Readonly<Record<string, string>>;

const chapKeys = ['username', 'password', 'username_in', 'password_in'];
const longestValue = 255;

/** Names and passwords, as a Secret has them, for asking a portal for its targets. */
export async function writeDiscoveryChap(
  roots: readonly string[],
  portal: string,
  secret: ChapSecret | undefined,
): Promise<void> {
  const record = await discoveryRecord(roots, portal);
  if (record) return setChap(record, 'discovery.sendtargets.auth.', secret);
  if (secret) throw new Error(`no record of it is in ${roots.join(' or ')}`);
}

/** The same, for sessions. */
export async function writeSessionChap(
  roots: readonly string[],
  portal: string,
  { iqn, iface }: IscsiDisk,
  secret: ChapSecret,
): Promise<void> {
  const records = await nodeRecords(roots, portal, iqn, iface);
  if (records.length === 0) throw new Error(`no record of it is in ${roots.join(' or ')}`);
  for (const record of records) await setChap(record, 'node.session.auth.', secret);
}

/** Whether the record of a portal stands alone: to delete it deletes the records of all targets that were found by it. */
export async function isOfNoTarget(roots: readonly string[], portal: string): Promise<boolean> {
  const record = await discoveryRecord(roots, portal);
  return record !== undefined && (await readdir(dirname(record.file))).length === 1;
}

interface RecordFile {
  readonly root: string;
  readonly file: string;
}

async function discoveryRecord(roots: readonly string[], portal: string): Promise<RecordFile | undefined> {
  const { address, port } = splitPortal(portal);
  for (const root of roots) {
    const file = join(root, 'send_targets', `${address},${port}`, 'st_config');
    if (await isFile(file)) return { root, file };
  }
  return undefined;
}

/** `nodes/TARGET/ADDRESS,PORT,GROUP/INTERFACE`, or a file without the last two where no portal told of a group. */
async function nodeRecords(
  roots: readonly string[],
  portal: string,
  iqn: string,
  iface: string,
): Promise<RecordFile[]> {
  const { address, port } = splitPortal(portal);
  const found: RecordFile[] = [];
  for (const root of roots) {
    const folder = join(root, 'nodes', iqn);
    for (const name of await readdir(folder).catch(() => [])) {
      if (name === `${address},${port}`) found.push({ root, file: join(folder, name) });
      else if (name.startsWith(`${address},${port},`)) found.push({ root, file: join(folder, name, iface) });
    }
  }
  const isThere = await Promise.all(found.map(({ file }) => isFile(file)));
  return found.filter((_, index) => isThere[index]);
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );

/** Takes out what there is, and without a secret leaves it at that. */
async function setChap({ root, file }: RecordFile, prefix: string, secret: ChapSecret | undefined): Promise<void> {
  const lines = secret ? [`${prefix}authmethod = CHAP`] : [];
  for (const key of chapKeys.map((each) => prefix + each)) {
    const value = secret?.[key] ?? '';
    if (value === '') continue;
    // One line a value, and the tool takes off what surrounds it.
    if (/\p{Cc}/u.test(value) || value.trim() !== value || Buffer.byteLength(value) > longestValue)
      throw new Error(`the value of ${key} cannot be written to a record`);
    lines.push(`${key} = ${value}`);
  }
  const ours = ['authmethod', ...chapKeys].map((key) => `${prefix}${key} =`);
  const before = await readFile(file, 'utf8');
  const kept = before.split('\n').filter((line) => !ours.some((start) => line.startsWith(start)));
  const end = kept.findLastIndex((line) => line.startsWith('# END RECORD'));
  kept.splice(end < 0 ? kept.length : end, 0, ...lines);
  // Not beside the record: whatever is in its folder is taken for an interface.
  const draft = join(root, `.${randomUUID()}`);
  try {
    await writeFile(draft, kept.join('\n'), { mode: 0o600, flag: 'wx' });
    await rename(draft, file);
  } finally {
    await rm(draft, { force: true });
  }
}
