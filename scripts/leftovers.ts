// Lists what clusters of ours have on this machine now: processes, mounts, networks and namespaces of nodes, tables,
// cgroups, files.
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';

/** Set by run-tests.ts for everything that the tests start. */
const mark = process.env['CORACLE_TEST_RUN'];

/**
 * One line for each thing found. Empty where nothing of ours is there. Under run-tests.ts, clusters that somebody else
 * runs on this machine meanwhile are left out.
 */
export function findLeftovers(): string[] {
  const others = new Set(
    ourProcesses()
      .filter((each) => !isMarked(each))
      .flatMap(({ command }) => nameIn(command)),
  );
  const isTheirs = (line: string) =>
    [...others].some((name) => line.includes(name)) ||
    (others.size > 0 && /^(netns cni-|link (veth|cor[vnw]-[0-9a-f]{10,11}$)|file \/run)/.test(line));
  const things = [...mounts(), ...networkNamespaces(), ...links(), ...tables(), ...cgroups(), ...files()];
  return [...processes(), ...things.filter((line) => !isTheirs(line))];
}

function processes(): string[] {
  return ourProcesses()
    .filter(isMarked)
    .map(({ pid, command }) => `process ${pid}: ${command.slice(0, 160)}`);
}

/** Started by this run of the tests. containerd gets no environment from us: its folder tells. */
function isMarked({ pid, command }: OurProcess): boolean {
  if (!mark || command.includes('/coracle-e2e-')) return true;
  return tryRead(`/proc/${pid}/environ`).split('\0').includes(`CORACLE_TEST_RUN=${mark}`);
}

/** The cluster's name in a process's arguments. */
function nameIn(command: string): string[] {
  const match = /"name":"([a-z0-9-]+)"/.exec(command);
  return match ? [match[1]!] : [];
}

interface OurProcess {
  readonly pid: number;
  readonly command: string;
}

function ourProcesses(): OurProcess[] {
  const self = new Set([process.pid, process.ppid]);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !self.has(Number(name)))
    .map((pid) => ({ pid: Number(pid), command: tryRead(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() }))
    .filter(
      ({ command }) =>
        /(coracle|server-process|node-process)[^ ]*\.(js|ts)\b/.test(command) || /containerd.*coracle/.test(command),
    );
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
    .filter((name) => /^(cni-|coracle-)/.test(name))
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
  return [
    ...globSync('/run/coracle*'),
    ...globSync('/var/lib/coracle*'),
    ...globSync('/tmp/coracle-*'),
    ...globSync('/run/wireguard/corw-*'),
    ...globSync('/tmp/.coracle-port-*').filter(isAbandonedByTest),
  ].map((path) => `file ${path}`);
}

/** A port that is kept for a cluster of the tests whose folder is gone. */
function isAbandonedByTest(claim: string): boolean {
  const settings = tryRead(claim).split('\n')[1] ?? '';
  return settings.includes('/coracle-e2e-') && !existsSync(settings);
}

function tryRead(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // the process ended between the look and the read
  }
}
