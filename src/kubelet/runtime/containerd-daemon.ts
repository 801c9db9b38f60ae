// Starts containerd with its own root, state and socket, as a daemon that outlives us: pods go on when we stop.
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Clock, systemClock } from '../../base/clock.ts';
import { systemMounter } from '../volumes/mounter.ts';
import { renderContainerdConfig, taskFolder } from './containerd-config.ts';
import { removeForgottenNetworks } from './pod-networks.ts';

const run = promisify(execFile);

export interface ContainerdOptions {
  /** Holds config.toml, root/, state/, containerd.sock, pid and log. Keep it short: a socket's path has 107 characters. */
  readonly dataDir: string;
  readonly sandboxImage: string;
  readonly cniBinDir: string;
  readonly cniConfDir: string;
  /** Default `containerd` on PATH. */
  readonly binary?: string;
  /** Folders of `hosts.toml` for registries and mirrors. */
  readonly registryConfigDir?: string;
  /** Folders above that users of pods must be able to pass, though not to read: a pod's own root is nobody here. */
  readonly passage?: readonly string[];
  /** Path of the network namespace it runs in, with the containers that have no network of their own. */
  readonly networkNamespace?: string;
  readonly clock?: Clock;
  /** How long to wait for the socket; default 20 s. */
  readonly timeoutMs?: number;
}

export interface ContainerdHandle {
  readonly pid: number;
  readonly socketPath: string;
  /** False when a daemon of ours ran already. */
  readonly started: boolean;
}

/** Where the daemon of a data directory listens. */
export function containerdSocket(dataDir: string): string {
  return join(dataDir, 'containerd.sock');
}

/** `1.6.20` → [1, 6]; undefined when the binary is not there. */
export async function containerdVersion(binary = 'containerd'): Promise<readonly [number, number] | undefined> {
  try {
    const { stdout } = await run(binary, ['--version']);
    const match = /\bv?(\d+)\.(\d+)\.\d+/.exec(stdout);
    return match ? [Number(match[1]), Number(match[2])] : undefined;
  } catch {
    return undefined; // not installed
  }
}

/** The pid of the daemon that serves this data directory, if it lives. */
export async function findContainerd(dataDir: string): Promise<number | undefined> {
  const pid = Number(await readFile(join(dataDir, 'containerd.pid'), 'utf8').catch(() => ''));
  if (!pid) return undefined;
  // The pid may belong to somebody else by now: ask what it runs.
  const argv = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return argv.split('\0').includes(join(dataDir, 'config.toml')) ? pid : undefined;
}

/** Starts the daemon, or finds the one that runs. @throws when the binary is missing or the socket does not come. */
export async function ensureContainerd(options: ContainerdOptions): Promise<ContainerdHandle> {
  const { dataDir, binary = 'containerd', clock = systemClock, timeoutMs = 20_000 } = options;
  const socketPath = containerdSocket(dataDir);
  const running = await findContainerd(dataDir);
  if (running) {
    await waitForSocket(socketPath, running, clock, timeoutMs, dataDir);
    return { pid: running, socketPath, started: false };
  }
  const version = await containerdVersion(binary);
  if (!version) throw new Error(`containerd: ${binary} was not found; install the package containerd`);
  await mkdir(dataDir, { recursive: true, mode: 0o711 });
  // Only newer ones give pods users of their own.
  if (version[0] >= 2) for (const folder of options.passage ?? []) await letPass(folder);
  const config = renderContainerdConfig({
    ...options,
    socketPath,
    configVersion: version[0] >= 2 ? 3 : 2,
    restrictOomScoreAdj: !(await hasCapability(24)),
  });
  const configPath = join(dataDir, 'config.toml');
  await writeFile(configPath, config, { mode: 0o600 });
  await rm(socketPath, { force: true });
  await finishRemovals(taskFolder(dataDir));
  await removeForgottenNetworks(dataDir);
  // What runs under shims already.
  const before = await readdir(taskFolder(dataDir)).catch(() => []);
  const argv = [...enter(options.networkNamespace), binary, '--config', configPath];
  const pid = await spawnDaemon(argv, join(dataDir, 'containerd.log'));
  try {
    await writeFile(join(dataDir, 'containerd.pid.new'), String(pid));
    await rename(join(dataDir, 'containerd.pid.new'), join(dataDir, 'containerd.pid'));
  } catch (error) {
    process.kill(pid, 'SIGKILL'); // the disk is full: nobody would find it again
    throw error;
  }
  await waitForSocket(socketPath, pid, clock, timeoutMs, dataDir);
  if (before.length > 0) {
    const { removeOrphans } = await import('./orphans.ts');
    await removeOrphans(before, { dataDir, socketPath, cniConfDir: options.cniConfDir, clock });
  }
  return { pid, socketPath, started: true };
}

/** Ends the daemon; containers go on under their shims. */
export async function stopContainerd(dataDir: string, clock: Clock = systemClock): Promise<void> {
  const pid = await findContainerd(dataDir);
  if (!pid) return;
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; waited < 10_000 && (await findContainerd(dataDir)); waited += 20) await clock.sleep(20);
  if (await findContainerd(dataDir)) process.kill(pid, 'SIGKILL');
  await rm(join(dataDir, 'containerd.pid'), { force: true });
}

/** Before it removes a task's folder it puts a dot before the name, and if it is killed then it never looks there again. */
async function finishRemovals(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => each.startsWith('.'))) {
    const path = join(folder, name);
    for (const point of await systemMounter.mountsBelow(path)) await systemMounter.unmount(point);
    await rm(path, { recursive: true, force: true });
  }
}

async function letPass(folder: string): Promise<void> {
  const { mode } = await stat(folder);
  await chmod(folder, (mode & 0o7777) | 0o011);
}

/** Whether this process may use a capability (24 is CAP_SYS_RESOURCE). */
async function hasCapability(bit: number): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const match = /^CapEff:\s*([0-9a-f]+)/m.exec(status);
  return match ? ((BigInt(`0x${match[1]}`) >> BigInt(bit)) & 1n) === 1n : false;
}

/** `nsenter` becomes the program it starts: the pid is the same. The mounts stay the machine's, unlike with `ip netns exec`. */
export const enter = (networkNamespace: string | undefined): string[] =>
  networkNamespace ? ['nsenter', `--net=${networkNamespace}`] : [];

async function spawnDaemon([program, ...args]: readonly string[], logPath: string): Promise<number> {
  const log = await open(logPath, 'a', 0o600);
  try {
    const child = spawn(program!, args, {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' },
    });
    await new Promise((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    child.unref();
    return child.pid!;
  } finally {
    await log.close();
  }
}

async function waitForSocket(
  path: string,
  pid: number,
  clock: Clock,
  timeoutMs: number,
  dataDir: string,
): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs;
  while (!(await canConnect(path))) {
    const dead = !(await readFile(`/proc/${pid}/stat`).catch(() => undefined));
    if (dead || clock.monotonicMs() > deadline)
      throw new Error(`containerd did not come up: ${await lastLogLine(join(dataDir, 'containerd.log'))}`);
    await clock.sleep(10);
  }
}

function canConnect(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function lastLogLine(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim().split('\n').at(-1) ?? '';
}
