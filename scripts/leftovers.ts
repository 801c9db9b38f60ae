// Lists what clusters of ours have on this machine now: processes, mounts, network, tables, cgroups, files.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';

/** One line for each thing found. Empty where nothing of ours is there. */
export function findLeftovers(): string[] {
  return [...processes(), ...mounts(), ...networkNamespaces(), ...links(), ...tables(), ...cgroups(), ...files()];
}

function processes(): string[] {
  const self = new Set([process.pid, process.ppid]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !self.has(Number(name)))
    .flatMap((pid) => {
      const command = tryRead(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      const isOurs =
        /(coracle|server-process|node-process)[^ ]*\.(js|ts)\b/.test(command) || /containerd.*coracle/.test(command);
      return isOurs ? [`process ${pid}: ${command.slice(0, 160)}`] : [];
    });
}

function mounts(): string[] {
  return tryRead('/proc/self/mounts')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.includes('coracle') && !path.startsWith('/sys'))
    .map((path) => `mount ${path}`);
}

function networkNamespaces(): string[] {
  const folder = '/run/netns';
  return (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => /^(cni-|cor)/.test(name))
    .map((name) => `netns ${name}`);
}

function links(): string[] {
  return readdirSync('/sys/class/net')
    .filter((name) => /^(cor|veth)/.test(name))
    .map((name) => `link ${name}`);
}

function tables(): string[] {
  const { stdout } = spawnSync('nft', ['list', 'tables'], {
    encoding: 'utf8',
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  });
  return (stdout ?? '')
    .split('\n')
    .filter((line) => line.includes('coracle'))
    .map((line) => `nft ${line}`);
}

function cgroups(): string[] {
  return globSync('/sys/fs/cgroup/{,*/}coracle*').map((path) => `cgroup ${path}`);
}

function files(): string[] {
  return [...globSync('/run/coracle*'), ...globSync('/var/lib/coracle*'), ...globSync('/tmp/coracle-*')].map(
    (path) => `file ${path}`,
  );
}

function tryRead(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // the process ended between the look and the read
  }
}
