// Files of Debian packages without installing them: the packages and what they depend on, downloaded once into a
// cache folder and unpacked. No root, and no network once cached.
import { execFile } from 'node:child_process';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const limits = { maxBuffer: 64 * 1024 * 1024 };

/** Needed by maintainer scripts or administrators, not by the programs. */
const neverNeeded =
  /^(debconf|debconf-2\.0|iproute2|init-system-helpers|lsb-base|sysvinit-utils|adduser|perl|base-files|debianutils|libc-bin|gcc-\d+-base)$/;

export interface PackageSource {
  /** Unpacks the packages and all they depend on into `folder`. Gives back the versions. */
  unpack(names: readonly string[], folder: string): Promise<string[]>;
}

/** Packages for this machine's own release, from apt, kept in `cacheFolder`. */
export function debianPackages(cacheFolder: string): PackageSource {
  return {
    async unpack(names, folder) {
      await mkdir(cacheFolder, { recursive: true });
      await mkdir(folder, { recursive: true });
      const files = await fetchPackages(await closure(names), cacheFolder);
      for (const file of files) await run('dpkg-deb', ['-x', join(cacheFolder, file), folder]);
      return files.map((file) => file.replace(/\.deb$/, ''));
    },
  };
}

/** Names with all their dependencies, sorted: later files win where two packages hold the same one, so order counts. */
async function closure(names: readonly string[]): Promise<string[]> {
  await requireKnown(names);
  const found = new Set<string>();
  for (let open: readonly string[] = names; open.length > 0; ) {
    for (const name of open) found.add(name);
    const clauses = open.flatMap((name) => dependencies(records.get(name)!));
    await look(clauses.flat());
    // The first alternative that is a package and not just a name that others provide.
    const wanted = clauses.flatMap((alternatives) => alternatives.find((name) => records.get(name)) ?? []);
    open = [...new Set(wanted)].filter((name) => !found.has(name));
  }
  return [...found].sort();
}

/** For each thing that is needed, the packages of which one will do. */
function dependencies(record: string): string[][] {
  const lines = record.split('\n').filter((line) => /^(Pre-)?Depends:/.test(line));
  return lines
    .flatMap((line) => line.replace(/^[^:]*:/, '').split(','))
    .map((clause) => clause.split('|').map((part) => part.trim().split(/[\s(:]/)[0]!))
    .filter((alternatives) => !alternatives.some((name) => neverNeeded.test(name)));
}

/** What apt says of each package; empty for names that are none. */
const records = new Map<string, string>();

/** All at once: apt-cache takes half a second each time, however much it is asked. */
async function look(names: readonly string[]): Promise<void> {
  const unknown = [...new Set(names)].filter((name) => !records.has(name));
  if (unknown.length === 0) return;
  for (const name of unknown) records.set(name, '');
  const asked = ['show', '--no-all-versions', ...unknown];
  // Where some names are no packages it fails, and has told of the others.
  const { stdout } = await run('apt-cache', asked, limits).catch((error: { stdout?: string }) => error);
  for (const record of (stdout ?? '').split('\n\n')) {
    const name = /^Package: (\S+)$/m.exec(record)?.[1];
    if (name && !records.get(name)) records.set(name, record);
  }
}

/** @throws Error naming a package that apt does not have, or why its lists could not be had */
async function requireKnown(names: readonly string[]): Promise<void> {
  await look(names);
  if (names.every((name) => records.get(name))) return;
  await run('apt-get', ['update', '-qq']).catch((error: Error) => {
    throw new Error(`no list of Debian packages, and apt-get update failed: ${error.message.trim()}`);
  });
  records.clear();
  await look(names);
  const missing = names.find((name) => !records.get(name));
  if (missing) throw new Error(`Debian package "${missing}" not found`);
}

/** Gives the packages' files in `cacheFolder`, in the order of the names. */
async function fetchPackages(names: readonly string[], cacheFolder: string): Promise<string[]> {
  const cached = await newestByName(cacheFolder);
  const missing = names.filter((name) => !cached.has(name));
  if (missing.length > 0) {
    const partial = join(cacheFolder, `partial-${process.pid}`);
    await mkdir(partial, { recursive: true });
    await run('apt-get', ['download', '-qq', ...missing], { ...limits, cwd: partial });
    for (const file of await readdir(partial)) await rename(join(partial, file), join(cacheFolder, file));
    await rm(partial, { recursive: true });
  }
  const files = await newestByName(cacheFolder);
  return names.map((name) => {
    const file = files.get(name);
    if (!file) throw new Error(`apt-get download ${name}: no file came`);
    return file;
  });
}

async function newestByName(cacheFolder: string): Promise<Map<string, string>> {
  const files = (await readdir(cacheFolder)).filter((file) => file.endsWith('.deb')).sort();
  return new Map(files.map((file) => [file.split('_', 1)[0]!, file]));
}
