// A real node under test: its cluster, its parts by pid, its pods as the API and as its runtime know them.
import { cpSync, existsSync, globSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '../../generated/core-v1.ts';
import { podKind } from '../../generated/kinds.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import type { Client } from '../../src/client/client.ts';
import { createClient } from '../../src/client/create-client.ts';
import { createKubeconfigTransport } from '../../src/client/kubeconfig-transport.ts';
import { createCriRuntime } from '../../src/kubelet/runtime/cri/cri-runtime.ts';
import type { ContainerRuntime } from '../../src/kubelet/runtime/runtime.ts';
import { TestCluster } from '../e2e/cluster.ts';

const pollMs = 250;
const clockVariables = ['CORACLE_NODE', 'CORACLE_TEST_CLOCK'];

export interface FaultyNodeOptions {
  /** Default: a folder of its own. */
  readonly dataDir?: string | undefined;
  readonly ownClock?: boolean | undefined;
}

/** bin/coracle, and all that it starts, with a module in front of the program. */
function useShiftedClock(): void {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-clock-'));
  const program = join(folder, 'node');
  const preload = join(import.meta.dirname, 'shifted-clock.ts');
  writeFileSync(
    program,
    `#!/bin/sh\nexport NODE_OPTIONS="--no-warnings --import=${preload}"\nexec '${process.execPath}' "$@"\n`,
    { mode: 0o755 },
  );
  process.env['CORACLE_NODE'] = program;
  process.env['CORACLE_TEST_CLOCK'] = join(folder, 'ahead');
}

export class FaultyNode implements AsyncDisposable {
  readonly cluster: TestCluster;
  readonly client: Client;
  readonly runtime: ContainerRuntime;
  readonly #transport: AsyncDisposable;

  private constructor(cluster: TestCluster, transport: Awaited<ReturnType<typeof createKubeconfigTransport>>) {
    this.cluster = cluster;
    this.#transport = transport;
    this.client = createClient(transport, { userAgent: 'faults' });
    const socketPath = join(cluster.dataDir, 'containerd/containerd.sock');
    this.runtime = createCriRuntime({ socketPath, log: silentLogger });
  }

  /** @param ownClock its processes have a wall clock that `setClock` sets */
  static async start({ dataDir, ownClock = false }: FaultyNodeOptions = {}): Promise<FaultyNode> {
    if (ownClock) useShiftedClock();
    const cluster = await TestCluster.create(dataDir ? { dataDir } : {});
    try {
      await cluster.loadImages('pause', 'busybox');
      const transport = await createKubeconfigTransport({ path: cluster.kubeconfig, clock: systemClock });
      return new FaultyNode(cluster, transport);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Ahead of the machine's by so much. */
  setClock(aheadMs: number): void {
    writeFileSync(process.env['CORACLE_TEST_CLOCK']!, String(aheadMs));
  }

  /** Of a component, when it runs: `node`, `containerd`, `apiserver`. */
  async pidOf(component: string): Promise<number | undefined> {
    const { stdout } = await this.cluster.coracle(['status', '-o', 'json']);
    const { components } = JSON.parse(stdout) as { components: { name: string; state: string; pid: number }[] };
    return components.find((each) => each.name === component && each.state === 'running')?.pid;
  }

  async pods(): Promise<Pod[]> {
    return (await this.client.resource(podKind).list({ namespace: 'default' })).items;
  }

  /** Waits for what must be so in the end. @throws with what it last said, after `patienceMs` */
  async until(what: string, problem: () => Promise<string>, patienceMs = 600_000): Promise<void> {
    const deadline = performance.now() + patienceMs;
    let last = '';
    for (;;) {
      last = await problem().catch((error) => String(error));
      if (last === '') return;
      if (performance.now() > deadline) throw new Error(`${what}: ${last}`);
      await sleep(pollMs);
    }
  }

  /** Pods run as the API wants them, each in one sandbox and its containers once; the runtime has nothing else. */
  async untilConverged(): Promise<void> {
    await this.until('pods and containers agree', async () => {
      const pods = await this.pods();
      const wrong = pods.find((pod) => !isRunning(pod));
      if (wrong)
        return `${wrong.metadata.name} is ${wrong.metadata.deletionTimestamp ? 'ending' : wrong.status?.phase}`;
      const byUid = new Map(pods.map((pod) => [pod.metadata.uid!, pod]));
      const sandboxes = (await this.runtime.listSandboxes()).filter((each) => each.state === 'SANDBOX_READY');
      const containers = (await this.runtime.listContainers()).filter((each) => each.state === 'CONTAINER_RUNNING');
      const stray = sandboxes.find(({ metadata }) => !byUid.has(metadata.uid) && metadata.namespace === 'default');
      if (stray) return `a sandbox of ${stray.metadata.name} (${stray.metadata.uid}) belongs to nobody`;
      for (const [uid, pod] of byUid) {
        const own = sandboxes.filter(({ metadata }) => metadata.uid === uid);
        if (own.length !== 1) return `${pod.metadata.name} has ${own.length} sandboxes`;
        const running = containers.filter(({ sandboxId }) => sandboxId === own[0]!.id);
        if (running.length !== pod.spec.containers.length)
          return `${pod.metadata.name} has ${running.length} containers`;
      }
      return '';
    });
  }

  /** What pods have on this node: mounts (networks too), cgroups, folders, logs, addresses, sandboxes, processes of containers. */
  async tracesOfPods(): Promise<string[]> {
    const { dataDir, name } = this.cluster;
    const node = join(dataDir, 'node');
    const mounts = readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[1] ?? '')
      .filter(
        (path) => path.startsWith(`${dataDir}/`) && /\/(pods|sandboxes|netns|io\.containerd\.runtime)/.test(path),
      );
    const inside = (folder: string) =>
      existsSync(folder) ? readdirSync(folder).map((each) => join(folder, each)) : [];
    const cgroups = globSync(`/sys/fs/cgroup/{,*/}coracle-${name}/**/{pod*,cri-containerd*}`);
    const sandboxes = await this.runtime.listSandboxes();
    const containers = await this.runtime.listContainers();
    const addresses = globSync(join(node, 'ipam/*/*')).filter((file) => /\/\d+\.\d+\.\d+\.\d+$/.test(file));
    return [
      ...mounts.map((path) => `mount ${path}`),
      ...cgroups.map((path) => `cgroup ${path}`),
      ...[...inside(join(node, 'pods')), ...inside(join(node, 'logs/pods'))].map((path) => `folder ${path}`),
      ...addresses.map((path) => `address ${path}`),
      ...sandboxes.map(({ metadata }) => `sandbox ${metadata.namespace}/${metadata.name}`),
      ...containers.map(({ metadata }) => `container ${metadata.name}`),
      ...inside(join(dataDir, 'containerd/state/io.containerd.runtime.v2.task/k8s.io')).map((path) => `task ${path}`),
    ];
  }

  /** Takes every pod away and waits until nothing tells that there were any. */
  async untilNothingIsLeft(): Promise<void> {
    for (const { metadata } of await this.pods()) {
      const key = { namespace: 'default', name: metadata.name };
      await this.client
        .resource(podKind)
        .delete(key, { gracePeriodSeconds: 1 })
        .catch(() => {}); // gone by itself
    }
    await this.until('pods are gone', async () => (await this.pods()).map(({ metadata }) => metadata.name).join(' '));
    await this.until('nothing is left of them', async () => (await this.tracesOfPods()).slice(0, 8).join('\n'));
  }

  /** What its parts wrote, kept for who looks into a failure. Gives the folder. */
  async keepLogs(): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), 'coracle-faults-'));
    for (const each of ['logs', 'containerd/containerd.log'])
      cpSync(join(this.cluster.dataDir, each), join(folder, basename(each)), { recursive: true, errorOnExist: false });
    writeFileSync(join(folder, 'pods.json'), JSON.stringify(await this.pods().catch(String), null, 1));
    writeFileSync(join(folder, 'traces'), (await this.tracesOfPods().catch((error) => [String(error)])).join('\n'));
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.runtime.close();
    await this.#transport[Symbol.asyncDispose]();
    await this.cluster[Symbol.asyncDispose]();
    for (const name of clockVariables) delete process.env[name];
  }
}

export const isRunning = ({ metadata, status }: Pod) =>
  !metadata.deletionTimestamp &&
  status?.phase === 'Running' &&
  status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
