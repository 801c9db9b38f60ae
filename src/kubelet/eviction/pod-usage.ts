// What each pod uses of memory, processes and disk.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../../generated/core-v1.ts';
import { containerNameLabel, podUidLabel } from '../pods/labels.ts';
import type { ContainerUsage } from '../runtime/runtime.ts';
import { directoryBytes, directoryInodes } from './directory-usage.ts';

export interface ContainerDiskAndMemory {
  readonly name: string;
  readonly memoryBytes: number;
  /** Its layer over the image. */
  readonly rootBytes: number;
  readonly rootInodes: number;
  readonly logBytes: number;
}

export interface PodUsage {
  readonly memoryBytes: number;
  readonly processes: number;
  readonly containers: readonly ContainerDiskAndMemory[];
  /** Bytes by name of the volume: those on this node's disk, or in its memory, that belong to the pod. */
  readonly volumes: ReadonlyMap<string, number>;
  /** Files, where they were asked for. */
  readonly inodes: number;
  /** All of it that lies on this node's disk. */
  readonly diskBytes: number;
}

export interface UsageReader {
  containerUsage(): Promise<readonly ContainerUsage[]>;
  /** `pods/UID` */
  podDir(podUid: string): string;
  podLogDir(pod: Pod): string;
  processCount(pod: Pod): Promise<number>;
}

export interface UsageOptions {
  readonly withFiles?: boolean;
  readonly withInodes?: boolean;
  readonly withProcesses?: boolean;
}

/** By uid. Those the runtime does not know are not in it. */
export async function podUsages(
  reader: UsageReader,
  pods: readonly Pod[],
  options: UsageOptions,
): Promise<Map<string, PodUsage>> {
  const byPod = Map.groupBy(
    (await reader.containerUsage()).filter(({ timestampMs }) => timestampMs > 0),
    ({ labels }) => labels[podUidLabel] ?? '',
  );
  const usages = new Map<string, PodUsage>();
  for (const pod of pods) {
    const usage = byPod.get(pod.metadata.uid!);
    if (usage) usages.set(pod.metadata.uid!, await usageOf(reader, pod, usage, options));
  }
  return usages;
}

async function usageOf(
  reader: UsageReader,
  pod: Pod,
  running: readonly ContainerUsage[],
  { withFiles = false, withInodes = false, withProcesses = false }: UsageOptions,
): Promise<PodUsage> {
  const logDir = reader.podLogDir(pod);
  const logs = withFiles ? await logBytes(logDir) : new Map<string, number>();
  const containers = running.map((each): ContainerDiskAndMemory => {
    const name = each.labels[containerNameLabel] ?? '';
    return {
      name,
      memoryBytes: each.memoryWorkingSetBytes,
      rootBytes: each.writableLayerBytes,
      rootInodes: each.writableLayerInodes,
      logBytes: logs.get(name) ?? 0,
    };
  });
  const dirs = emptyDirs(reader, pod);
  const volumes = new Map<string, number>();
  if (withFiles) for (const { name, path } of dirs) volumes.set(name, await directoryBytes(path));
  const onDisk = dirs.filter(({ isInMemory }) => !isInMemory);
  let inodes = 0;
  if (withInodes)
    for (const path of [logDir, ...onDisk.map((each) => each.path)]) inodes += await directoryInodes(path);
  const sum = (read: (each: ContainerDiskAndMemory) => number) =>
    containers.reduce((total, each) => total + read(each), 0);
  const volumeBytes = onDisk.reduce((total, { name }) => total + (volumes.get(name) ?? 0), 0);
  return {
    memoryBytes: sum((each) => each.memoryBytes),
    processes: withProcesses ? await reader.processCount(pod) : 0,
    containers,
    volumes,
    inodes: inodes + sum((each) => each.rootInodes),
    diskBytes: sum((each) => each.rootBytes) + [...logs.values()].reduce((a, b) => a + b, 0) + volumeBytes,
  };
}

function emptyDirs(reader: UsageReader, { metadata, spec }: Pod) {
  const dir = join(reader.podDir(metadata.uid!), 'volumes', 'kubernetes.io~empty-dir');
  return (spec.volumes ?? [])
    .filter(({ emptyDir }) => emptyDir)
    .map(({ name, emptyDir }) => ({ name, path: join(dir, name), isInMemory: emptyDir!.medium === 'Memory' }));
}

/** By container; each has a folder. */
async function logBytes(logDir: string): Promise<Map<string, number>> {
  const names = await readdir(logDir).catch(() => []);
  const sizes = new Map<string, number>();
  for (const name of names) sizes.set(name, await directoryBytes(join(logDir, name)));
  return sizes;
}
