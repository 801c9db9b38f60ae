// A network to try things in: this process in a namespace of its own, "pods" in others, wired by the real CNI plugins.
// Namespaces live as long as their processes, so nothing is left when a test dies.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { systemClock } from '../../base/clock.ts';
import { familyOf, type IpFamily } from '../addresses.ts';
import { runCommand } from '../run-command.ts';

const insideVariable = 'CORACLE_NETWORK_LAB';
const pluginDirs = ['/usr/lib/cni', '/opt/cni/bin'];

/** Why network tests cannot run here, or false: what `test(…, { skip })` takes. */
export function labSkipReason(): string | false {
  if (process.getuid?.() !== 0) return 'needs root: network namespaces';
  if (!pluginDirs.some((folder) => existsSync(`${folder}/bridge`))) return 'needs the CNI plugins (make setup)';
  if (spawnSync('unshare', ['--net', 'true']).status !== 0) return 'the kernel gives no network namespace';
  return false;
}

export const isInsideLab = () => process.env[insideVariable] === '1';

/** Runs the file again inside a new network namespace; gives its exit code and what it printed. */
export function runInsideLab(
  file: string,
  args: readonly string[] = [],
): { readonly code: number; readonly output: string } {
  const env: NodeJS.ProcessEnv = { ...process.env, [insideVariable]: '1' };
  delete env['NODE_TEST_CONTEXT']; // it is a run of its own, with a report for people
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--net', process.execPath, '--test-reporter=spec', file, ...args],
    {
      encoding: 'utf8',
      env,
    },
  );
  return { code: status ?? 1, output: stdout + stderr };
}

export interface LabPod extends AsyncDisposable {
  readonly address: string;
  /** @throws Error where it has none */
  addressOf(family: IpFamily): Promise<string>;
  /** Runs a program in the pod's network. */
  run(command: string, ...args: readonly string[]): Promise<string>;
}

export interface LabPodOptions {
  /** JavaScript of the pod's program. */
  readonly program: string;
  /** Our conflist; its first plugin wires the pod. Absent: the pod is on this namespace's own network. */
  readonly conflist?: string;
}

let podCount = 0;

/** Starts a program in a network of its own. */
export async function startPod({ program, conflist }: LabPodOptions): Promise<LabPod> {
  const node = [process.execPath, '-e', `${waitForStart}${program}\n})`];
  const [command, ...args] = conflist ? ['unshare', '--net', ...node] : node;
  const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child, 'spawn');
  await nextLine(child, 'waiting');
  const id = `lab${process.pid}x${podCount++}`;
  const address = conflist ? await attach(id, child.pid!, conflist) : '127.0.0.1';
  child.stdin!.write('start\n');
  await nextLine(child, 'ready');
  const run: LabPod['run'] = (name, ...rest) =>
    conflist ? runCommand('nsenter', ['-t', String(child.pid), '-n', name, ...rest]) : runCommand(name, rest);
  return {
    address,
    run,
    async addressOf(family) {
      const shown = await run('ip', '-j', 'address', 'show', 'dev', 'eth0', 'scope', 'global');
      const [link] = JSON.parse(shown) as { addr_info: { local: string }[] }[];
      const found = link?.addr_info.find(({ local }) => familyOf(local) === family);
      if (!found) throw new Error(`${id} has no address of ${family}`);
      return found.local;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return; // nobody will say it again
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The program starts once its network is there, and says `ready` when it listens. */
const waitForStart = `process.stdout.write('waiting\\n'); const ready = () => process.stdout.write('ready\\n');
process.stdin.once('data', () => {`;

async function attach(id: string, pid: number, conflist: string): Promise<string> {
  const list = JSON.parse(readFileSync(conflist, 'utf8')) as {
    cniVersion: string;
    name: string;
    plugins: { type: string }[];
  };
  const plugin = { ...list.plugins[0]!, cniVersion: list.cniVersion, name: list.name };
  const folder = pluginDirs.find((path) => existsSync(`${path}/${plugin.type}`))!;
  const { stdout, status } = spawnSync(`${folder}/${plugin.type}`, {
    input: JSON.stringify(plugin),
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      CNI_COMMAND: 'ADD',
      CNI_CONTAINERID: id,
      CNI_NETNS: `/proc/${pid}/ns/net`,
      CNI_IFNAME: 'eth0',
      CNI_PATH: folder,
    },
  });
  if (status !== 0) throw new Error(`CNI refused: ${stdout}`);
  await runCommand('nsenter', ['-t', String(pid), '-n', 'ip', 'link', 'set', 'lo', 'up']);
  const { ips } = JSON.parse(stdout) as { ips: { address: string }[] };
  return ips[0]!.address.split('/')[0]!;
}

async function nextLine(child: ChildProcess, wanted: string): Promise<void> {
  let text = '';
  for (;;) {
    const [chunk] = (await Promise.race([
      once(child.stdout!, 'data'),
      once(child, 'exit').then(() => Promise.reject(new Error(`a pod's program ended before it said "${wanted}"`))),
    ])) as [Buffer];
    text += chunk.toString();
    if (text.includes(`${wanted}\n`)) return;
  }
}

/** Tries until it does not throw; gives up with the last error after 30 s. */
export async function eventually<T>(attempt: () => T | Promise<T>): Promise<T> {
  const until = performance.now() + 30_000;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > until) throw error;
      await systemClock.sleep(20);
    }
  }
}
