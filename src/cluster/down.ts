// Taking a cluster down, from outside: works as well when its processes were killed and only containers are left.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../base/clock.ts';
import { joinedFile, readJoined } from './join/joined-settings.ts';
import { removeFromKubeconfigs } from './kubeconfig.ts';
import { cgroupName } from './nodes/cgroup-name.ts';
import type { NodePlan } from './nodes/node-plan.ts';
import { nodesHere } from './nodes/nodes-here.ts';
import { contextName, type Layout } from './settings/layout.ts';
import { releasePorts } from './settings/ports.ts';
import { readSettings } from './settings/settings.ts';
import { releaseSlot } from './settings/slots.ts';
import { clearState, isAlive, isContainerd, readState, stopProcess } from './settings/state.ts';

const serverGraceMs = 20_000;
const removals = 50;
const removalPollMs = 20;

export interface DownOptions {
  /** Leave containerd and all containers to the next `up`. */
  readonly keepPods: boolean;
}

/** Stops what runs. Gives whether anything did. */
export async function takeDown(layout: Layout, { keepPods }: DownOptions): Promise<boolean> {
  const settings = readSettings(layout);
  const hadProcesses = await stopProcesses(layout, serverGraceMs + (settings?.podShutdownMs ?? 0));
  if (keepPods) return hadProcesses;
  const podCidr = readJoined(layout)?.podCidr ?? settings?.podCidr;
  const plans = nodesHere(layout);
  const hadNode = podCidr !== undefined && plans.length > 0 && (await clearNodes(layout, plans, podCidr));
  clearState(layout);
  return hadProcesses || hadNode;
}

/** The server first: it stops its node agent in order. Whatever it leaves is stopped one by one. Gives whether any ran. */
async function stopProcesses(layout: Layout, graceMs: number): Promise<boolean> {
  let hadAny = false;
  for (;;) {
    // Asked again each time: a server that was coming up has started more meanwhile.
    const components = (readState(layout)?.components ?? []).filter(
      (each) => !isContainerd(each.name) && isAlive(each),
    );
    hadAny ||= components.length > 0;
    const processes = new Map(components.map((each) => [each.pid, each]));
    processes.delete(process.pid);
    if (processes.size === 0) return hadAny;
    for (const each of processes.values()) await stopProcess(each, graceMs);
  }
}

/** Takes the cluster down and removes all it ever made. Gives whether there was one. */
export async function deleteCluster(layout: Layout): Promise<boolean> {
  const existed = existsSync(layout.dataDir);
  const settings = existed ? readSettings(layout) : undefined;
  const joined = readJoined(layout);
  await takeDown(layout, { keepPods: false });
  rmSync(layout.dataDir, { recursive: true, force: true, maxRetries: 5 });
  releaseSlot(layout.dataDir);
  if (settings) releasePorts(layout.settings, [settings.apiPort, settings.agentPort]);
  if (joined) releasePorts(joinedFile(layout), [joined.agentPort]);
  // Last, since it may refuse a file that it cannot read: by then everything of ours is gone.
  if (settings) {
    const files = [settings.kubeconfigFile, ...(settings.earlierKubeconfigFiles ?? [])];
    removeFromKubeconfigs(files, contextName(layout.name));
  }
  return existed;
}

/** Pods, containerds, mounts, networks and cgroups of all real nodes. */
async function clearNodes(layout: Layout, plans: readonly NodePlan[], podCidr: string): Promise<boolean> {
  const { removeNodeNetwork } = await import('./nodes/node-network.ts');
  const wereRunning = await Promise.all(plans.map(clearNode));
  await unmountBelow(layout.dataDir);
  await removeNodeNetwork(layout, podCidr, plans[0]!);
  if (plans.some(({ machineRuntime }) => machineRuntime)) await removeSlicesOf(layout);
  await removeCgroup(cgroupName(layout.name));
  return wereRunning.includes(true);
}

/** The groups of a node whose runtime keeps them with systemd. */
async function removeSlicesOf(layout: Layout): Promise<void> {
  const [{ removeSlices }, { groupPath }] = await Promise.all([
    import('../kubelet/cgroups/systemd-slices.ts'),
    import('../kubelet/cgroups/group-names.ts'),
  ]);
  const slice = groupPath('systemd', [cgroupName(layout.name)]);
  if (hierarchies().some((hierarchy) => existsSync(join(hierarchy, slice))))
    await removeSlices(cgroupName(layout.name));
  await removeCgroup(slice);
}

/** The pods of one node, and its containerd; a runtime that is the machine's goes on, with the pods of others. */
export async function clearNode(plan: NodePlan): Promise<boolean> {
  if (plan.machineRuntime) return (await import('./nodes/remove-pods.ts')).removeOwnPods(plan, plan.machineRuntime);
  const { findContainerd, stopContainerd, containerdSocket } = await import('../kubelet/runtime/containerd-daemon.ts');
  const { removeAllPods } = await import('./nodes/remove-pods.ts');
  const wasRunning = (await findContainerd(plan.containerd)) !== undefined;
  if (wasRunning || hasPods(plan)) {
    if (plan.namespace) {
      const { ensureBareNamespace } = await import('../network/overlay/node-namespaces.ts');
      await ensureBareNamespace(plan.namespace);
    }
    await removeAllPods(plan);
  }
  await stopContainerd(plan.containerd);
  // Started in its last moment, and nobody's since.
  const { endShims } = await import('../kubelet/runtime/orphans.ts');
  await endShims(containerdSocket(plan.containerd));
  return wasRunning;
}

/** containerd's record of running tasks: there may be containers even when the daemon was killed. */
function hasPods({ containerd }: NodePlan): boolean {
  const tasks = join(containerd, 'state/io.containerd.runtime.v2.task/k8s.io');
  return existsSync(tasks) && readdirSync(tasks).length > 0;
}

/** Takes away what is mounted below a folder. */
export async function unmountBelow(folder: string): Promise<void> {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => (line.split(' ')[1] ?? '').replaceAll('\\040', ' '))
    .filter((path) => path.startsWith(`${folder}/`))
    .reverse();
  const { execFile } = await import('node:child_process');
  for (const path of mounts) {
    await new Promise<void>((resolve) => execFile('umount', ['-l', path], () => resolve()));
  }
}

/** Removes a cgroup of ours, deepest first, in every hierarchy of v1 or the one of v2, and ends whatever still lives in it. */
export async function removeCgroup(group: string): Promise<void> {
  for (const hierarchy of hierarchies()) {
    const top = join(hierarchy, group);
    for (let attempt = 0; attempt < removals && existsSync(top); attempt++) {
      const folders = readdirSync(top, { recursive: true, withFileTypes: true })
        .filter((each) => each.isDirectory())
        .map((each) => join(each.parentPath, each.name))
        .sort((a, b) => b.length - a.length);
      // A container that was being started when its shim ended is nobody's child.
      for (const folder of [...folders, top]) await endProcesses(folder);
      for (const folder of [...folders, top]) await rmdir(folder).catch(() => {}); // busy for a moment after the last process
      if (existsSync(top)) await systemClock.sleep(removalPollMs);
    }
  }
}

/** The one of v2, or each of v1. */
function hierarchies(): string[] {
  const root = '/sys/fs/cgroup';
  if (!existsSync(root)) return [];
  const folders = readdirSync(root, { withFileTypes: true }).filter((each) => each.isDirectory());
  return [root, ...folders.map(({ name }) => join(root, name))];
}

async function endProcesses(folder: string): Promise<void> {
  const pids = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const pid of pids.split('\n').filter(Boolean).map(Number)) {
    if (pid === 0 || pid === process.pid) continue; // 0: of another pid namespace
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it ended by itself
    }
  }
}
