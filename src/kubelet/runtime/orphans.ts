// Containers that containerd runs and its CRI part knows nothing of: it was killed between starting one and writing down whose it
// is. Nobody would ever stop them, so they are ended when it is started again, with their network and their address. And tasks of
// containers that CRI takes for ended: whoever had them started stopped waiting. It would refuse for ever to remove those.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { type Clock, every } from '../../base/clock.ts';
import type { Component } from '../../base/component.ts';
import { callUnary } from '../../base/grpc.ts';
import { type Logger, silentLogger } from '../../base/log.ts';
import { taskFolder } from './containerd-config.ts';
import { networkOf, type RuntimeSpec, readSpec, removeNetwork } from './pod-networks.ts';
import { isNotFoundError } from './rpc-error.ts';
import type { ContainerRuntime } from './runtime.ts';

const { Field, Root, Type } = protobuf;
const run = promisify(execFile);

const types = new Root().define('orphans');
types.add(
  new Type('Kill')
    .add(new Field('containerId', 1, 'string'))
    .add(new Field('signal', 3, 'uint32'))
    .add(new Field('all', 4, 'bool')),
);
// What tasks and containers are deleted by: its first field is the id.
types.add(new Type('Delete').add(new Field('id', 1, 'string')));

const tasks = '/containerd.services.tasks.v1.Tasks';
const containers = '/containerd.services.containers.v1.Containers';
const callMs = 5_000;
const patienceMs = 30_000;
const retryMs = 100;
const sweepMs = 60_000;
const cgroupRoot = '/sys/fs/cgroup';

/** Not what containerd is about to remove, which has a dot before its name. */
const isId = (name: string) => /^[0-9a-f]{64}$/.test(name);

export interface OrphansRequest {
  readonly dataDir: string;
  readonly socketPath: string;
  readonly cniConfDir: string;
  readonly clock: Clock;
}

/** Ends those of `before` that CRI does not list. Gives their ids; never rejects: what cannot be ended now is tried next time. */
export async function removeOrphans(before: readonly string[], request: OrphansRequest): Promise<string[]> {
  if (before.length === 0) return [];
  const known = await knownToCri(request);
  if (!known) return [];
  const orphans = before.filter((id) => isId(id) && !known.has(id));
  if (orphans.length === 0) return [];
  await endAll(orphans, request);
  return orphans;
}

/** @param known those of which CRI keeps the rest */
async function endAll(ids: readonly string[], request: OrphansRequest, known = new Set<string>()): Promise<void> {
  const endOne = (channel: Client, id: string) =>
    known.has(id) ? endTask(channel, id, request) : removeOne(channel, id, request);
  const channel = new Client(`unix://${request.socketPath}`, credentials.createInsecure());
  try {
    await Promise.all(ids.map((id) => endOne(channel, id).catch(() => {})));
  } finally {
    channel.close();
  }
}

export interface OrphanSweepOptions extends OrphansRequest {
  readonly runtime: Pick<ContainerRuntime, 'listSandboxes' | 'listContainers'>;
  readonly log: Logger;
}

/** Now and then also while containerd runs: it forgets what it was starting when somebody stopped waiting for it. */
export function createOrphanSweep(options: OrphanSweepOptions): Component {
  const { dataDir, clock, runtime, log } = options;
  return {
    name: 'orphans',
    async run(signal) {
      let suspects = new Set<string>();
      for await (const _ of every(clock, sweepMs, signal)) {
        const running = await readdir(taskFolder(dataDir)).catch(() => []);
        const lists = await Promise.all([runtime.listSandboxes(), runtime.listContainers()]).catch(() => undefined);
        if (!lists) continue; // it is away, or hangs
        const known = new Set(lists.flat().map(({ id }) => id));
        const ended = new Set(lists[1].filter(({ state }) => state === 'CONTAINER_EXITED').map(({ id }) => id));
        const found = running.filter((id) => isId(id) && (!known.has(id) || ended.has(id)));
        // What is being started is not known yet, what has just ended is still there: only who is found twice is meant.
        const meant = found.filter((id) => suspects.has(id));
        suspects = new Set(found);
        if (meant.length === 0) continue;
        log.warn('containers that belong to nobody, or should have ended, are ended', { ids: meant.join(' ') });
        await endAll(meant, options, ended);
      }
    },
  };
}

/** Ids of all sandboxes and containers; undefined when nobody answers. */
async function knownToCri({ socketPath, clock }: OrphansRequest): Promise<Set<string> | undefined> {
  const { createCriRuntime } = await import('./cri/cri-runtime.ts');
  const runtime = createCriRuntime({ socketPath, clock, log: silentLogger });
  try {
    for (
      const deadline = clock.monotonicMs() + patienceMs;
      clock.monotonicMs() < deadline;
      await clock.sleep(retryMs)
    ) {
      const lists = Promise.all([runtime.listSandboxes(), runtime.listContainers()]);
      const found = await lists.catch(() => undefined); // it listens before it answers
      if (found) return new Set(found.flat().map(({ id }) => id));
    }
    return undefined;
  } finally {
    runtime.close();
  }
}

async function removeOne(channel: Client, id: string, request: OrphansRequest): Promise<void> {
  const spec = await readSpec(request.dataDir, id);
  await endTask(channel, id, request);
  await call(channel, `${containers}/Delete`, 'Delete', { id });
  await endShim(id, request);
  await removePodCgroup(spec, request.cniConfDir);
  await releaseNetwork(id, spec, request.cniConfDir);
}

async function endTask(channel: Client, id: string, { clock }: OrphansRequest): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    await call(channel, `${tasks}/Kill`, 'Kill', { containerId: id, signal: 9, all: true });
    if (await call(channel, `${tasks}/Delete`, 'Delete', { id })) break;
    await clock.sleep(retryMs);
  }
}

/** A shim that was started for a containerd that is no more waits for ever, and no containerd knows of it. */
async function endShim(id: string, { dataDir, socketPath }: OrphansRequest): Promise<void> {
  const bundle = join(taskFolder(dataDir), id);
  if (!existsSync(bundle)) return;
  await endShims(socketPath, id);
  await run('umount', ['--lazy', join(bundle, 'rootfs')]).catch(() => {}); // nothing is mounted there
  await rm(bundle, { recursive: true, force: true });
}

/** Those of a containerd, by its socket, or the one of a container, with what they began to run. */
export async function endShims(socketPath: string, id?: string): Promise<void> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const isMeant = argv[0]?.includes('containerd-shim') && argv.includes(socketPath) && (!id || argv.includes(id));
    if (!isMeant) continue;
    const tasks = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    for (const each of [...tasks.split(' ').filter(Boolean), pid]) kill(Number(each));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it ended by itself
  }
}

/** Whether it was done, or is so anyway. */
function call(channel: Client, path: string, type: string, message: object): Promise<boolean> {
  const metadata = new Metadata();
  metadata.set('containerd-namespace', 'k8s.io');
  const codec = types.lookupType(type);
  const exchange = {
    channel,
    path,
    encode: (each: object) => Buffer.from(codec.encode(codec.fromObject(each)).finish()),
    decode: () => undefined,
    request: message,
    metadata,
  };
  return callUnary(exchange, { timeoutMs: callMs }).then(() => true, isNotFoundError);
}

/** The agent is done with the pod, and could not remove its cgroup while somebody lived in it. */
async function removePodCgroup({ linux }: RuntimeSpec, cniConfDir: string): Promise<void> {
  const path = dirname(linux?.cgroupsPath ?? '');
  const uid = /\/pod([0-9a-f-]{36})$/.exec(path)?.[1];
  if (!uid || existsSync(join(dirname(cniConfDir), 'pods', uid))) return;
  const roots = ['', ...(await readdir(cgroupRoot).catch(() => []))];
  // Only empty ones go.
  await Promise.all(roots.map((root) => rmdir(join(cgroupRoot, root, path)).catch(() => {})));
}

/** Of a sandbox: its namespace, which takes its interfaces with it, and the address that is noted under its id. */
async function releaseNetwork(id: string, spec: RuntimeSpec, cniConfDir: string): Promise<void> {
  if (spec.annotations?.['io.kubernetes.cri.container-type'] !== 'sandbox') return;
  const path = networkOf(spec) ?? '';
  // The machine's own, or a node's, is no pod's.
  if (/\/netns\/cni-[0-9a-f-]+$/.test(path)) await removeNetwork(path);
  for (const file of await readdir(cniConfDir).catch(() => [])) {
    if (!file.endsWith('.conflist')) continue;
    const { name, plugins } = JSON.parse(await readFile(join(cniConfDir, file), 'utf8')) as {
      name: string;
      plugins: { ipam?: { dataDir?: string } }[];
    };
    const folder = plugins[0]?.ipam?.dataDir;
    if (folder) await releaseAddresses(join(folder, name), id);
  }
}

async function releaseAddresses(folder: string, id: string): Promise<void> {
  for (const address of await readdir(folder).catch(() => [])) {
    if (!/^[0-9a-f.:]+$/.test(address)) continue;
    const holder = await readFile(join(folder, address), 'utf8').catch(() => '');
    if (holder.split(/\s/)[0] === id) await rm(join(folder, address), { force: true });
  }
}
