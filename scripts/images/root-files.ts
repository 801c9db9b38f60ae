// What every root filesystem has and no package brings.
import { chmod, cp, lstat, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const passwd = `root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/home:/bin/false
www-data:x:33:33:www-data:/var/www:/bin/false
nginx:x:101:101:nginx user:/nonexistent:/bin/false
`;
const group = `root:x:0:
tty:x:5:
www-data:x:33:
nginx:x:101:
nogroup:x:65534:
`;

/** Users, groups, name service order, /tmp, and a home for root. */
export async function addRootFiles(root: string): Promise<void> {
  for (const folder of ['etc', 'root', 'proc', 'sys', 'dev', 'run', 'var/log', 'usr/bin', 'usr/sbin', 'home']) {
    await mkdir(join(root, folder), { recursive: true });
  }
  for (const folder of ['tmp', 'var/tmp']) {
    await mkdir(join(root, folder), { recursive: true });
    await chmod(join(root, folder), 0o1777); // mkdir's mode goes through the umask
  }
  await chmod(join(root, 'root'), 0o700);
  await writeFile(join(root, 'etc/passwd'), passwd);
  await writeFile(join(root, 'etc/group'), group);
  await writeFile(join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
}

/** Links `path` to `target`, in place of what was there. */
export async function addLink(root: string, path: string, target: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await rm(join(root, path), { force: true });
  await symlink(target, join(root, path));
}

/** Drops what only people at a desk read. */
export async function dropDocumentation(root: string): Promise<void> {
  for (const folder of [
    'doc',
    'man',
    'info',
    'locale',
    'lintian',
    'vim',
    'bug',
    'apport',
    'initramfs-tools',
    'menu',
    'bash-completion',
  ]) {
    await rm(join(root, 'usr/share', folder), { recursive: true, force: true });
  }
}

/** Makes /bin, /sbin, /lib and /lib64 links into /usr, as on an installed system; packages come in both shapes. */
export async function mergeUsr(root: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    const folder = join(root, name);
    const target = join(root, 'usr', name);
    await mkdir(target, { recursive: true });
    const stats = await lstat(folder).catch(() => undefined);
    if (stats?.isSymbolicLink()) continue;
    if (stats) await cp(folder, target, { recursive: true, verbatimSymlinks: true, force: true });
    await rm(folder, { recursive: true, force: true });
    await symlink(`usr/${name}`, folder);
  }
}
