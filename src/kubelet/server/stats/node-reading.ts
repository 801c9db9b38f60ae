// One look at all that runs on the node. Looks that are asked for at once are one look, good for a second.
import { readFile } from 'node:fs/promises';
import type { Pod } from '../../../../generated/core-v1.ts';
import type { PodServices } from '../../pods/pod-services.ts';
import type { ContainerRecord } from '../../pods/runtime-tracker.ts';
import { type CgroupFiles, openCgroupFiles } from './cgroup-files.ts';
import { type CgroupReading, readCgroup } from './cgroup-reading.ts';
import { type InterfaceReading, readNetwork } from './network-reading.ts';

export interface ContainerReading {
  readonly record: ContainerRecord;
  readonly cgroup: CgroupReading;
  /** Of its path, as labels have it. */
  readonly group: string;
  readonly nanoCores: number;
  readonly rootfs: { readonly usedBytes: number; readonly inodesUsed: number } | undefined;
}

export interface PodReading {
  readonly pod: Pod;
  readonly group: string;
  readonly cgroup: CgroupReading | undefined;
  readonly nanoCores: number;
  /** The pod's shell, which holds its network. */
  readonly sandbox: { readonly id: string; readonly group: string; readonly cgroup: CgroupReading } | undefined;
  readonly network: readonly InterfaceReading[];
  readonly containers: readonly ContainerReading[];
}

export interface NodeReading {
  readonly atMs: number;
  /** The whole machine. */
  readonly machine: CgroupReading | undefined;
  readonly machineNanoCores: number;
  /** All pods together. */
  readonly allPods: CgroupReading | undefined;
  readonly allPodsNanoCores: number;
  readonly network: readonly InterfaceReading[];
  readonly pods: readonly PodReading[];
}

export interface NodeReaderOptions {
  readonly services: PodServices;
  readonly pods: () => readonly Pod[];
  /** `/coracle/kubepods`. */
  readonly podsGroup: string;
}

const freshMs = 1_000;
const atOnce = 8;
/** Of two looks that are nearer than this, the rate of the one before stays. */
const minRateMs = 500;

export class NodeReader {
  readonly #options: NodeReaderOptions;
  #files: Promise<CgroupFiles> | undefined;
  #last: { readonly atMs: number; readonly reading: Promise<NodeReading> } | undefined;
  #rates = new Map<string, { readonly atMs: number; readonly totalNs: number; readonly nanoCores: number }>();

  constructor(options: NodeReaderOptions) {
    this.#options = options;
  }

  read(): Promise<NodeReading> {
    const nowMs = this.#options.services.clock.monotonicMs();
    if (!this.#last || nowMs - this.#last.atMs > freshMs) {
      const reading = this.#read();
      this.#last = { atMs: nowMs, reading };
      reading.catch(() => {
        this.#last = undefined;
      });
    }
    return this.#last.reading;
  }

  async #read(): Promise<NodeReading> {
    const { services, pods, podsGroup } = this.#options;
    this.#files ??= openCgroupFiles();
    const files = await this.#files;
    const nowMs = services.clock.now();
    const usage = await services.runtime.containerUsage().catch(() => []);
    const layers = new Map(
      usage.map((each) => [each.id, { usedBytes: each.writableLayerBytes, inodesUsed: each.writableLayerInodes }]),
    );
    const [machine, allPods, network] = await Promise.all([
      readCgroup(files, '/', nowMs),
      readCgroup(files, podsGroup, nowMs),
      readNetwork('self'),
    ]);
    const rates = this.#rates;
    this.#rates = new Map();
    const rate = (key: string, cgroup: CgroupReading | undefined): number => this.#rate(rates, key, cgroup);
    const todo = pods().filter(({ metadata }) => services.tracker.stateOf(metadata.uid!).sandboxes.length > 0);
    const readings: PodReading[] = [];
    for (let begin = 0; begin < todo.length; begin += atOnce)
      readings.push(
        ...(await Promise.all(
          todo.slice(begin, begin + atOnce).map((pod) => this.#readPod(files, pod, nowMs, rate, layers)),
        )),
      );
    const cpuNs = (await machineCpuNs()) ?? machine?.cpu.totalNs ?? 0;
    const whole = machine && { ...machine, cpu: { ...machine.cpu, totalNs: cpuNs } };
    return {
      atMs: nowMs,
      machine: whole,
      machineNanoCores: rate('/', whole),
      allPods,
      allPodsNanoCores: rate(podsGroup, allPods),
      network,
      pods: readings,
    };
  }

  async #readPod(
    files: CgroupFiles,
    pod: Pod,
    nowMs: number,
    rate: (key: string, cgroup: CgroupReading | undefined) => number,
    layers: ReadonlyMap<string, NonNullable<ContainerReading['rootfs']>>,
  ): Promise<PodReading> {
    const { tracker, cgroups } = this.#options.services;
    const group = cgroups.pathOf(pod);
    const state = tracker.stateOf(pod.metadata.uid!);
    const shell = state.sandboxes.find((each) => each.state === 'SANDBOX_READY');
    const running = state.containers.filter((each) => each.state === 'CONTAINER_RUNNING');
    const [cgroup, sandboxGroup, ...each] = await Promise.all([
      readCgroup(files, group, nowMs),
      shell ? readCgroup(files, `${group}/${shell.id}`, nowMs) : undefined,
      ...running.map((record) => readCgroup(files, `${group}/${record.id}`, nowMs)),
    ]);
    const pid = sandboxGroup?.processes.ids[0] ?? each.find(Boolean)?.processes.ids[0];
    const containers = running.flatMap((record, index): ContainerReading[] => {
      const found = each[index];
      if (!found) return [];
      const { id } = record;
      return [{ record, cgroup: found, group: `${group}/${id}`, nanoCores: rate(id, found), rootfs: layers.get(id) }];
    });
    return {
      pod,
      group,
      cgroup,
      nanoCores: rate(group, cgroup),
      sandbox:
        shell && sandboxGroup ? { id: shell.id, group: `${group}/${shell.id}`, cgroup: sandboxGroup } : undefined,
      network: pid !== undefined && !pod.spec.hostNetwork ? await readNetwork(pid) : [],
      containers,
    };
  }

  /** Since the look before; since it began where this is the first. */
  #rate(
    before: ReadonlyMap<string, { readonly atMs: number; readonly totalNs: number; readonly nanoCores: number }>,
    key: string,
    cgroup: CgroupReading | undefined,
  ): number {
    if (!cgroup) return 0;
    const { atMs, madeAtMs, cpu } = cgroup;
    const last = before.get(key);
    if (last && atMs - last.atMs < minRateMs) {
      this.#rates.set(key, last);
      return last.nanoCores;
    }
    const sinceMs = atMs - (last?.atMs ?? madeAtMs ?? atMs);
    const spentNs = cpu.totalNs - (last?.totalNs ?? 0);
    const nanoCores = sinceMs > 0 && spentNs >= 0 ? Math.round((spentNs / sinceMs) * 1000) : 0;
    this.#rates.set(key, { atMs, totalNs: cpu.totalNs, nanoCores });
    return nanoCores;
  }
}

/** Of all processors since the machine began; the group at the root counts from when it was mounted. */
async function machineCpuNs(): Promise<number | undefined> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => '');
  const [user, nice, system, , , irq = 0, soft = 0] = text.split('\n')[0]!.trim().split(/\s+/).slice(1).map(Number);
  if (user === undefined || nice === undefined || system === undefined) return undefined;
  return (user + nice + system + irq + soft) * 10_000_000;
}
