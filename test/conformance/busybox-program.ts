// Builds busybox, static, with its default configuration, from the source tarball in Debian's archive.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.ts';
import { places } from './places.ts';

/** The program's path; built once, in three minutes. */
export async function ensureBusybox(): Promise<string> {
  const program = join(places.programs, 'busybox');
  if (existsSync(program)) return program;
  const folder = await mkdtemp(join(places.kitchen, 'busybox-'));
  const tarball = await fetchSource(folder);
  await command('tar', ['xf', tarball, '--strip-components=1'], { cwd: folder });
  await command('make', ['defconfig'], { cwd: folder });
  const config = join(folder, '.config');
  const text = (await readFile(config, 'utf8'))
    .replace('# CONFIG_STATIC is not set', 'CONFIG_STATIC=y')
    .replace('CONFIG_TC=y', '# CONFIG_TC is not set'); // needs kernel headers that are gone
  await writeFile(config, text);
  await command('nice', ['-n', '10', 'make', '-j2'], { cwd: folder });
  await copyFile(join(folder, 'busybox'), program);
  await rm(folder, { recursive: true });
  return program;
}

/** apt with a list of sources of its own, so that the machine's stays as it is. */
async function fetchSource(folder: string): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8');
  const codename = /^VERSION_CODENAME=(\w+)/m.exec(release)?.[1] ?? 'bookworm';
  const list = join(folder, 'sources.list');
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  await writeFile(list, `deb-src [signed-by=${keyring}] http://deb.debian.org/debian ${codename} main\n`);
  const state = { 'Dir::State::lists': join(folder, 'lists'), 'Dir::Cache': join(folder, 'apt') };
  for (const path of Object.values(state)) await mkdir(join(path, 'partial'), { recursive: true });
  const settings = {
    'Dir::Etc::sourcelist': list,
    'Dir::Etc::sourceparts': '-',
    'APT::Sandbox::User': 'root',
    ...state,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await command('apt-get', [...options, '-qq', 'update'], { cwd: folder });
  await command('apt-get', [...options, '-qq', 'source', '--download-only', 'busybox'], { cwd: folder });
  const tarball = (await readdir(folder)).find((name) => /^busybox_.*\.orig\.tar\./.test(name));
  if (!tarball) throw new Error('apt-get source busybox brought no tarball');
  return join(folder, tarball);
}
