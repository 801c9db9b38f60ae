// Files of Debian packages without installing them: the packages and what they depend on, downloaded once into a
// cache folder and unpacked. No root, and no network once cached.
import { execFile } from 'node:child_process';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

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
      const files: string[] = [];
      for (const name of await closure(names)) files.push(await fetchPackage(name, cacheFolder));
      for (const file of files) await run('dpkg-deb', ['-x', join(cacheFolder, file), folder]);
      return files.map((file) => file.replace(/\.deb$/, ''));
    },
  };
}

/** Names with all their dependencies, sorted: later files win where two packages hold the same one, so order counts. */
async function closure(names: readonly string[]): Promise<string[]> {
  const found = new Set<string>();
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    open.push(...(await dependencies(name)));
  }
  return [...found].sort();
}

async function dependencies(name: string): Promise<string[]> {
  const record = (await show(name)) ?? (await updateAndShow(name));
  const lines = record.split('\n').filter((line) => /^(Pre-)?Depends:/.test(line));
  const wanted: string[] = [];
  for (const clause of lines.flatMap((line) => line.replace(/^[^:]*:/, '').split(','))) {
    const alternatives = clause.split('|').map((part) => part.trim().split(/[\s(:]/)[0]!);
    if (alternatives.some((alternative) => neverNeeded.test(alternative))) continue;
    const real = await firstReal(alternatives);
    if (real) wanted.push(real);
  }
  return wanted;
}

/** The first alternative that is a package and not just a name that others provide. */
async function firstReal(alternatives: readonly string[]): Promise<string | undefined> {
  for (const name of alternatives) if (await show(name)) return name;
  return undefined;
}

/** Answers of apt-cache, which takes half a second each time. */
const shown = new Map<string, string>();

async function show(name: string): Promise<string | undefined> {
  const known = shown.get(name);
  if (known) return known;
  try {
    const { stdout } = await run('apt-cache', ['show', '--no-all-versions', name]);
    if (stdout) shown.set(name, stdout);
    return stdout || undefined;
  } catch {
    return undefined; // unknown or virtual: both are for the caller to decide on
  }
}

let updated = false;

async function updateAndShow(name: string): Promise<string> {
  if (!updated) {
    updated = true;
    await run('apt-get', ['update', '-qq']).catch((error: Error) => {
      throw new Error(`no list of Debian packages, and apt-get update failed: ${error.message.trim()}`);
    });
  }
  const record = await show(name);
  if (!record) throw new Error(`Debian package "${name}" not found`);
  return record;
}

async function fetchPackage(name: string, cacheFolder: string): Promise<string> {
  const cached = async () =>
    (await readdir(cacheFolder))
      .filter((file) => file.startsWith(`${name}_`))
      .sort()
      .at(-1);
  const file = await cached();
  if (file) return file;
  const partial = join(cacheFolder, `partial-${process.pid}`);
  await mkdir(partial, { recursive: true });
  await run('apt-get', ['download', '-qq', name], { cwd: partial });
  for (const downloaded of await readdir(partial))
    await rename(join(partial, downloaded), join(cacheFolder, downloaded));
  await rm(partial, { recursive: true });
  const fetched = await cached();
  if (!fetched) throw new Error(`apt-get download ${name}: no file came`);
  return fetched;
}
