// /stats/summary: what the node and its pods use, in the kubelet's shape.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../../../generated/core-v1.ts';
import { ephemeralClaimName } from '../../../api/core/ephemeral-claims.ts';
import { rfc3339 } from '../../../base/clock.ts';
import { podLogDir } from '../../pods/pod-log-dir.ts';
import type { PodServices } from '../../pods/pod-services.ts';
import { driverOf } from '../../volumes/volume-manager.ts';
import type { CgroupReading } from './cgroup-reading.ts';
import { type FileSystemReading, type FolderSizes, readFileSystem } from './file-system.ts';
import { readMachine } from './machine.ts';
import type { InterfaceReading } from './network-reading.ts';
import type { ContainerReading, NodeReader, NodeReading, PodReading } from './node-reading.ts';

export interface SummaryInput {
  readonly nodeName: string;
  readonly services: PodServices;
  readonly reader: NodeReader;
  readonly folders: FolderSizes;
  readonly nodeDir: string;
  readonly logDir: string;
  /** Nothing of disks and networks: what autoscalers ask for, every few seconds. */
  readonly onlyCpuAndMemory: boolean;
}

export interface Summary {
  readonly node: object;
  readonly pods: readonly PodSummary[];
}

export interface PodSummary {
  readonly podRef: { readonly name: string; readonly namespace: string; readonly uid: string };
  readonly volume?: readonly VolumeSummary[];
  readonly [part: string]: unknown;
}

export interface VolumeSummary extends FileSystemReading {
  readonly name: string;
  readonly pvcRef?: { readonly name: string; readonly namespace: string };
}

export async function statsSummary(input: SummaryInput): Promise<Summary> {
  const reading = await input.reader.read();
  const time = rfc3339(reading.atMs);
  const fs = input.onlyCpuAndMemory ? undefined : await readFileSystem(input.nodeDir, time);
  const pods = await Promise.all(reading.pods.map((pod) => podSummary(input, pod, fs, time)));
  return { node: await nodeSummary(input, reading, fs, time), pods };
}

async function nodeSummary(
  { nodeName, services, onlyCpuAndMemory }: SummaryInput,
  { machine, machineNanoCores, allPods, allPodsNanoCores, network }: NodeReading,
  fs: FileSystemReading | undefined,
  time: string,
): Promise<object> {
  const { memory, swap, maxPid, processes, cpuPressure, memoryPressure, ioPressure, bootTimeMs } = await readMachine();
  const usage = process.memoryUsage.rss();
  const kubelet = {
    name: 'kubelet',
    startTime: rfc3339(services.clock.now() - process.uptime() * 1000),
    cpu: { time, usageNanoCores: 0, usageCoreNanoSeconds: cpuOf(process.cpuUsage()) },
    memory: { time, usageBytes: usage, workingSetBytes: usage, rssBytes: usage, pageFaults: 0, majorPageFaults: 0 },
  };
  const pods = allPods && {
    name: 'pods',
    startTime: rfc3339(allPods.madeAtMs ?? services.clock.now()),
    cpu: cpuStats(allPods, allPodsNanoCores, time),
    memory: memoryStats(allPods, time),
  };
  return {
    nodeName,
    systemContainers: [kubelet, ...(pods ? [pods] : [])],
    startTime: rfc3339(bootTimeMs),
    cpu: {
      time,
      usageNanoCores: machineNanoCores,
      usageCoreNanoSeconds: machine?.cpu.totalNs ?? 0,
      ...(cpuPressure ? { psi: psi(cpuPressure) } : {}),
    },
    memory: {
      time,
      availableBytes: memory.available,
      usageBytes: memory.used,
      workingSetBytes: memory.total - memory.available,
      rssBytes: memory.anonymous,
      pageFaults: machine?.memory.pageFaults ?? 0,
      majorPageFaults: machine?.memory.majorPageFaults ?? 0,
      ...(memoryPressure ? { psi: psi(memoryPressure) } : {}),
    },
    swap: { time, swapAvailableBytes: swap.free, swapUsageBytes: swap.used },
    ...(onlyCpuAndMemory
      ? {}
      : {
          ...(ioPressure ? { io: { time, psi: psi(ioPressure) } } : {}),
          network: networkStats(network, time),
          ...(fs ? { fs, runtime: { imageFs: fs, containerFs: fs } } : {}),
          rlimit: { time, maxpid: maxPid, curproc: processes },
        }),
  };
}

async function podSummary(
  input: SummaryInput,
  reading: PodReading,
  fs: FileSystemReading | undefined,
  time: string,
): Promise<PodSummary> {
  const { pod, cgroup, nanoCores, containers } = reading;
  const { name, namespace, uid } = pod.metadata;
  const whole = cgroup && {
    cpu: cpuStats(cgroup, nanoCores, time),
    memory: memoryStats(cgroup, time),
    ...swapStats(cgroup, time),
    ...(input.onlyCpuAndMemory ? {} : { process_stats: { process_count: cgroup.processes.threads } }),
  };
  const common = {
    podRef: { name, namespace: namespace!, uid: uid! },
    startTime: pod.status?.startTime ?? rfc3339(reading.cgroup?.madeAtMs ?? 0),
    containers: await Promise.all(containers.map((each) => containerSummary(input, pod, each, fs, time))),
    ...whole,
  };
  if (!fs) return common;
  const volume = await volumeSummaries(input, pod, time);
  const logs = await input.folders.of(podLogDir(input.logDir, pod));
  const layers = containers.reduce((sum, { rootfs }) => sum + (rootfs?.usedBytes ?? 0), 0);
  const inodes = containers.reduce((sum, { rootfs }) => sum + (rootfs?.inodesUsed ?? 0), 0);
  const local = volume.filter(({ isLocal }) => isLocal);
  const ephemeral = {
    ...fs,
    usedBytes: layers + logs.usedBytes + local.reduce((sum, { usedBytes }) => sum + usedBytes, 0),
    inodesUsed: inodes + logs.inodesUsed + local.reduce((sum, { inodesUsed }) => sum + inodesUsed, 0),
  };
  return {
    ...common,
    ...(pod.spec.hostNetwork ? {} : { network: networkStats(reading.network, time) }),
    ...(cgroup?.io.pressure ? { io: { time, psi: psi(cgroup.io.pressure) } } : {}),
    ...(volume.length > 0 ? { volume: volume.map(({ isLocal: _, ...each }) => each) } : {}),
    'ephemeral-storage': ephemeral,
  };
}

async function containerSummary(
  { folders, logDir, onlyCpuAndMemory }: SummaryInput,
  pod: Pod,
  { record, cgroup, nanoCores, rootfs }: ContainerReading,
  fs: FileSystemReading | undefined,
  time: string,
): Promise<object> {
  const logs = onlyCpuAndMemory ? undefined : await folders.of(join(podLogDir(logDir, pod), record.name));
  return {
    name: record.name,
    startTime: rfc3339(record.startedAtMs),
    cpu: cpuStats(cgroup, nanoCores, time),
    memory: memoryStats(cgroup, time),
    ...(cgroup.io.pressure && !onlyCpuAndMemory ? { io: { time, psi: psi(cgroup.io.pressure) } } : {}),
    ...(fs && rootfs ? { rootfs: { ...fs, ...rootfs } } : {}),
    ...(fs && logs ? { logs: { ...fs, ...logs } } : {}),
    ...swapStats(cgroup, time),
  };
}

const localVolumes: ReadonlySet<string> = new Set(['emptyDir', 'configMap', 'secret', 'downwardAPI', 'projected']);

/** Volumes that have a folder of the pod's. A claim's is counted by its file system; if it shares the node's, by what it takes. */
async function volumeSummaries(
  { services, folders, nodeDir }: SummaryInput,
  pod: Pod,
  time: string,
): Promise<(VolumeSummary & { readonly isLocal: boolean })[]> {
  const ready = services.volumes.ready?.(pod.metadata.uid!);
  const told = (await services.volumes.stats?.(pod.metadata.uid!)) ?? [];
  const found = await Promise.all(
    (pod.spec.volumes ?? []).map(async (volume) => {
      const byDriver = told.find(({ name }) => name === volume.name);
      if (byDriver) return { ...byDriver, isLocal: false };
      const field = driverOf(volume)?.field;
      const path = ready?.get(volume.name)?.hostPath;
      if (!field || field === 'hostPath' || !path) return undefined;
      const fs = await readFileSystem(path, time);
      if (!fs) return undefined;
      const claim = volume.ephemeral ? ephemeralClaimName(pod, volume) : volume.persistentVolumeClaim?.claimName;
      const isLocal = localVolumes.has(field) && volume.emptyDir?.medium !== 'Memory';
      const size = isLocal || (await isOnDisk(path, nodeDir)) ? await folders.of(path) : {};
      const pvcRef = claim ? { pvcRef: { name: claim, namespace: pod.metadata.namespace! } } : {};
      return { ...fs, ...size, name: volume.name, ...pvcRef, isLocal };
    }),
  );
  return found.filter((each) => each !== undefined);
}

/** Whether a volume shares the node's disk: its file system tells nothing of the volume then. */
async function isOnDisk(path: string, nodeDir: string): Promise<boolean> {
  const [one, other] = await Promise.all([path, nodeDir].map((each) => stat(each).catch(() => undefined)));
  return one !== undefined && one.dev === other?.dev;
}

const cpuOf = ({ user, system }: NodeJS.CpuUsage): number => (user + system) * 1000;

function cpuStats({ cpu }: CgroupReading, usageNanoCores: number, time: string): object {
  const { totalNs, pressure } = cpu;
  return { time, usageNanoCores, usageCoreNanoSeconds: totalNs, ...(pressure ? { psi: psi(pressure) } : {}) };
}

function memoryStats({ memory }: CgroupReading, time: string): object {
  const { usage, workingSet, rss, pageFaults, majorPageFaults, limit, pressure } = memory;
  return {
    time,
    ...(limit === undefined ? {} : { availableBytes: Math.max(0, limit - workingSet) }),
    usageBytes: usage,
    workingSetBytes: workingSet,
    rssBytes: rss,
    pageFaults,
    majorPageFaults,
    ...(pressure ? { psi: psi(pressure) } : {}),
  };
}

function swapStats({ memory }: CgroupReading, time: string): object {
  return { swap: { time, swapAvailableBytes: 0, swapUsageBytes: memory.swap } };
}

const psi = ({ full, some }: NonNullable<CgroupReading['cpu']['pressure']>): object => ({ full, some });

/** The first interface is the one that counts. */
function networkStats(interfaces: readonly InterfaceReading[], time: string): object {
  const all = interfaces.map(({ name, rxBytes, rxErrors, txBytes, txErrors }) => ({
    name,
    rxBytes,
    rxErrors,
    txBytes,
    txErrors,
  }));
  const main = all.find(({ name }) => name === 'eth0') ?? all[0];
  return { time, ...(main ?? { name: '' }), interfaces: all };
}
