// The same sandbox and container by the runtime alone: what a pod's start costs without us.
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../generated/core-v1.ts';
import { silentLogger } from '../src/base/log.ts';
import { containerConfig } from '../src/kubelet/pods/container-config.ts';
import { sandboxConfig } from '../src/kubelet/pods/sandbox-config.ts';
import { usualCpuLimits } from '../src/kubelet/resources.ts';
import { containerdSocket } from '../src/kubelet/runtime/containerd-daemon.ts';
import { createCriRuntime } from '../src/kubelet/runtime/cri/cri-runtime.ts';
import { nginx } from './pod-latency.ts';

const security = { seccompDefault: true, seccompRoot: '/' };
const dns = { clusterDns: [], clusterDomain: 'cluster.local', host: { servers: [], searches: [], options: [] } };

const groupRoot = '/sys/fs/cgroup';
const group = 'coracle-bench';

/** Starts so many at once and gives the milliseconds each took; they are gone again when this returns. */
export async function startByRuntime(dataDir: string, names: readonly string[]): Promise<number[]> {
  const runtime = createCriRuntime({ socketPath: containerdSocket(join(dataDir, 'containerd')), log: silentLogger });
  const image = (await runtime.imageStatus('nginx:1.7.9'))!;
  const sandboxes: string[] = [];
  const start = async (name: string): Promise<number> => {
    const made = nginx(name);
    const pod = { ...made, metadata: { ...made.metadata, uid: `cri-${name}` } } as Pod;
    const logDirectory = join(dataDir, 'node/logs/cri', name);
    const cpuLimits = usualCpuLimits;
    const settings = { dns, security, logDirectory, cgroupParent: `/${group}/${name}`, attempt: 0, cpuLimits };
    const container = {
      image,
      environment: new Map(),
      mounts: [],
      restartCount: 0,
      memoryCapacityBytes: 1e9,
      cpuLimits,
      security,
    };
    // Without our labels: the agent would take it for a pod of its own that nobody wants.
    const sandbox = { ...sandboxConfig(pod, settings), labels: {} };
    const config = { ...containerConfig(pod, pod.spec.containers[0]!, container), labels: {} };
    await mkdir(join(logDirectory, 'nginx'), { recursive: true });
    const begunMs = performance.now();
    const id = await runtime.runSandbox(sandbox);
    sandboxes.push(id);
    await runtime.startContainer(await runtime.createContainer(id, config, sandbox));
    return performance.now() - begunMs;
  };
  try {
    return await Promise.all(names.map(start));
  } finally {
    await Promise.all(
      sandboxes.map(async (id) => {
        await runtime.stopSandbox(id);
        await runtime.removeSandbox(id);
      }),
    );
    runtime.close();
    await removeGroups();
  }
}

/** The runtime removes what it made for a container, not what that is below. */
async function removeGroups(): Promise<void> {
  const hierarchies = await readdir(groupRoot);
  for (const hierarchy of ['.', ...hierarchies]) {
    const folder = join(groupRoot, hierarchy, group);
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isDirectory()) await rmdir(join(folder, entry.name));
    if (entries.length > 0) await rmdir(folder);
  }
}
