// /stats/summary: what the node and its pods use, in the kubelet's shape.
import { readFile, statfs } from 'node:fs/promises';
import type { Pod } from '../../../generated/core-v1.ts';
import { containerNameLabel, podUidLabel } from '../pods/labels.ts';
import type { PodServices } from '../pods/pod-services.ts';
import type { ContainerUsage } from '../runtime/runtime.ts';

export interface SummaryInput {
  readonly nodeName: string;
  readonly services: PodServices;
  readonly pods: readonly Pod[];
  readonly dataDir: string;
}

export async function statsSummary({ nodeName, services, pods, dataDir }: SummaryInput): Promise<object> {
  // Those that have ended use nothing; the runtime lists them all the same.
  const usage = (await services.runtime.containerUsage()).filter(({ timestampMs }) => timestampMs > 0);
  const time = new Date(services.clock.now()).toISOString();
  const [memory, disk] = await Promise.all([
    readFile('/proc/meminfo', 'utf8').catch(() => ''),
    statfs(dataDir).catch(() => undefined),
  ]);
  const ki = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(memory)?.[1] ?? 0) * 1024;
  const used = ki('MemTotal') - ki('MemAvailable');
  const cpu = await cpuNanoSeconds();
  const fs = disk && {
    time,
    availableBytes: disk.bavail * disk.bsize,
    capacityBytes: disk.blocks * disk.bsize,
    usedBytes: (disk.blocks - disk.bfree) * disk.bsize,
    inodesFree: disk.ffree,
    inodes: disk.files,
    inodesUsed: disk.files - disk.ffree,
  };
  return {
    node: {
      nodeName,
      startTime: new Date(services.clock.now() - services.clock.monotonicMs()).toISOString(),
      cpu: { time, usageNanoCores: 0, usageCoreNanoSeconds: cpu },
      memory: {
        time,
        availableBytes: ki('MemAvailable'),
        usageBytes: used,
        workingSetBytes: used,
        rssBytes: ki('AnonPages'),
      },
      ...(fs ? { fs, runtime: { imageFs: fs } } : {}),
    },
    pods: pods.map((pod) =>
      podStats(
        pod,
        usage.filter(({ labels }) => labels[podUidLabel] === pod.metadata.uid),
        time,
      ),
    ),
  };
}

function podStats(pod: Pod, usage: readonly ContainerUsage[], time: string): object {
  const sum = (read: (each: ContainerUsage) => number): number => usage.reduce((total, each) => total + read(each), 0);
  return {
    podRef: { name: pod.metadata.name, namespace: pod.metadata.namespace, uid: pod.metadata.uid },
    startTime: pod.status?.startTime,
    containers: usage.map((each) => ({
      name: each.labels[containerNameLabel],
      startTime: pod.status?.startTime,
      cpu: {
        time: new Date(each.timestampMs).toISOString(),
        usageNanoCores: each.cpuNanoCores ?? 0,
        usageCoreNanoSeconds: each.cpuNanoSeconds,
      },
      memory: {
        time: new Date(each.timestampMs).toISOString(),
        workingSetBytes: each.memoryWorkingSetBytes,
        usageBytes: each.memoryUsageBytes,
        rssBytes: each.memoryRssBytes,
      },
      rootfs: { time, usedBytes: each.writableLayerBytes, inodesUsed: each.writableLayerInodes },
    })),
    cpu: {
      time,
      usageNanoCores: sum((each) => each.cpuNanoCores ?? 0),
      usageCoreNanoSeconds: sum((each) => each.cpuNanoSeconds),
    },
    memory: {
      time,
      workingSetBytes: sum((each) => each.memoryWorkingSetBytes),
      usageBytes: sum((each) => each.memoryUsageBytes),
      rssBytes: sum((each) => each.memoryRssBytes),
    },
  };
}

async function cpuNanoSeconds(): Promise<number> {
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0] = (
    await readFile('/proc/stat', 'utf8').catch(() => 'cpu 0')
  )
    .split('\n')[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + soft) * 10_000_000;
}
