// cAdvisor's figures of one group: a table of names and where each comes from.
import type { CgroupReading, DiskTraffic, PressurePair } from '../stats/cgroup-reading.ts';
import type { FileSystemReading } from '../stats/file-system.ts';
import type { InterfaceReading } from '../stats/network-reading.ts';
import type { Family, Labels, Sample } from './exposition.ts';

export interface CadvisorSubject {
  readonly labels: Labels;
  readonly cgroup: CgroupReading;
  readonly network: readonly InterfaceReading[];
  readonly rootfs: { readonly usedBytes: number; readonly inodesUsed: number } | undefined;
}

export interface FigureContext {
  /** Name of a device by its numbers. */
  readonly devices: ReadonlyMap<string, string>;
  readonly atMs: number;
  readonly fs: FileSystemReading | undefined;
}

export interface ContainerFigure extends Pick<Family, 'name' | 'help' | 'type'> {
  samples(subject: CadvisorSubject, context: FigureContext): Sample[];
}

type Read = (cgroup: CgroupReading) => number | undefined;

const plain =
  (type: Family['type']) =>
  (name: string, help: string, read: Read): ContainerFigure => ({
    name: `container_${name}`,
    help,
    type,
    samples({ labels, cgroup }, { atMs }) {
      const value = read(cgroup);
      return value === undefined ? [] : [{ labels, value, atMs }];
    },
  });
const counter = plain('counter');
const gauge = plain('gauge');

/** What a group may have is no measurement: it has no time. */
const spec = (name: string, help: string, read: Read): ContainerFigure => ({
  name: `container_${name}`,
  help,
  type: 'gauge',
  samples({ labels, cgroup }) {
    const value = read(cgroup);
    return value === undefined ? [] : [{ labels, value }];
  },
});

const disk = (name: string, help: string, key: Exclude<keyof DiskTraffic, 'device'>): ContainerFigure => ({
  name: `container_${name}`,
  help,
  type: 'counter',
  samples: ({ labels, cgroup }, { devices, atMs }) =>
    cgroup.io.devices.map((each) => ({
      labels: { ...labels, device: devices.get(each.device) ?? '' },
      value: each[key],
      atMs,
    })),
});

const failures: ContainerFigure = {
  name: 'container_memory_failures_total',
  help: 'Cumulative count of memory allocation failures.',
  type: 'counter',
  samples: ({ labels, cgroup: { memory } }, { atMs }) =>
    ['container', 'hierarchy'].flatMap((scope) => [
      { labels: { ...labels, failure_type: 'pgfault', scope }, value: memory.pageFaults, atMs },
      { labels: { ...labels, failure_type: 'pgmajfault', scope }, value: memory.majorPageFaults, atMs },
    ]),
};

const usage: ContainerFigure = {
  name: 'container_cpu_usage_seconds_total',
  help: 'Cumulative cpu time consumed in seconds.',
  type: 'counter',
  samples: ({ labels, cgroup }, { atMs }) => [
    { labels: { ...labels, cpu: 'total' }, value: cgroup.cpu.totalNs / 1e9, atMs },
  ],
};

const blockIo: ContainerFigure = {
  name: 'container_blkio_device_usage_total',
  help: 'Blkio Device bytes usage',
  type: 'counter',
  samples: ({ labels, cgroup }, { devices, atMs }) =>
    cgroup.io.devices.flatMap(({ device, readBytes, writeBytes }) => {
      const [major = '', minor = ''] = device.split(':');
      const of = { ...labels, device: devices.get(device) ?? '', major, minor };
      return [
        { labels: { ...of, operation: 'Read' }, value: readBytes, atMs },
        { labels: { ...of, operation: 'Write' }, value: writeBytes, atMs },
      ];
    }),
};

const stalls = (resource: string, word: string, of: (cgroup: CgroupReading) => PressurePair | undefined) => [
  counter(
    `pressure_${resource}_stalled_seconds_total`,
    `Total time duration no tasks in the container could make progress due to ${word} congestion.`,
    (cgroup) => seconds(of(cgroup)?.full.total),
  ),
  counter(
    `pressure_${resource}_waiting_seconds_total`,
    `Total time duration tasks in the container have waited due to ${word} congestion.`,
    (cgroup) => seconds(of(cgroup)?.some.total),
  ),
];
const seconds = (microseconds: number | undefined): number | undefined =>
  microseconds === undefined ? undefined : microseconds / 1e6;

const limited =
  (read: Read): Read =>
  (cgroup) =>
    cgroup.cpu.quotaUs === undefined ? undefined : read(cgroup);

export const containerFigures: readonly ContainerFigure[] = [
  gauge('last_seen', 'Last time a container was seen by the exporter', ({ atMs }) => Math.floor(atMs / 1000)),
  counter('cpu_user_seconds_total', 'Cumulative user cpu time consumed in seconds.', ({ cpu }) => cpu.userSeconds),
  counter(
    'cpu_system_seconds_total',
    'Cumulative system cpu time consumed in seconds.',
    ({ cpu }) => cpu.systemSeconds,
  ),
  usage,
  counter(
    'cpu_cfs_periods_total',
    'Number of elapsed enforcement period intervals.',
    limited(({ cpu }) => cpu.periods),
  ),
  counter(
    'cpu_cfs_throttled_periods_total',
    'Number of throttled period intervals.',
    limited(({ cpu }) => cpu.throttledPeriods),
  ),
  counter(
    'cpu_cfs_throttled_seconds_total',
    'Total time duration the container has been throttled.',
    limited(({ cpu }) => cpu.throttledSeconds),
  ),
  gauge('cpu_load_average_10s', 'Value of container cpu load average over the last 10 seconds.', () => 0),
  gauge('cpu_load_d_average_10s', 'Value of container cpu load.d average over the last 10 seconds.', () => 0),
  gauge('memory_cache', 'Number of bytes of page cache memory.', ({ memory }) => memory.cache),
  gauge('memory_rss', 'Size of RSS in bytes.', ({ memory }) => memory.rss),
  gauge('memory_kernel_usage', 'Size of kernel memory allocated in bytes.', ({ memory }) => memory.kernel),
  gauge('memory_mapped_file', 'Size of memory mapped files in bytes.', ({ memory }) => memory.mappedFile),
  gauge('memory_swap', 'Container swap usage in bytes.', ({ memory }) => memory.swap),
  counter('memory_failcnt', 'Number of memory usage hits limits', ({ memory }) => memory.failures),
  gauge(
    'memory_usage_bytes',
    'Current memory usage in bytes, including all memory regardless of when it was accessed',
    ({ memory }) => memory.usage,
  ),
  gauge('memory_max_usage_bytes', 'Maximum memory usage recorded in bytes', ({ memory }) => memory.peak),
  gauge('memory_working_set_bytes', 'Current working set in bytes.', ({ memory }) => memory.workingSet),
  gauge('memory_total_active_file_bytes', 'Current total active file in bytes.', ({ memory }) => memory.activeFile),
  gauge(
    'memory_total_inactive_file_bytes',
    'Current total inactive file in bytes.',
    ({ memory }) => memory.inactiveFile,
  ),
  failures,
  disk('fs_reads_bytes_total', 'Cumulative count of bytes read', 'readBytes'),
  disk('fs_reads_total', 'Cumulative count of reads completed', 'reads'),
  disk('fs_writes_bytes_total', 'Cumulative count of bytes written', 'writeBytes'),
  disk('fs_writes_total', 'Cumulative count of writes completed', 'writes'),
  blockIo,
  gauge('processes', 'Number of processes running inside the container.', ({ processes }) => processes.ids.length),
  gauge('threads', 'Number of threads running inside the container', ({ processes }) => processes.threads),
  gauge(
    'threads_max',
    'Maximum number of threads allowed inside the container, infinity if value is zero',
    ({ processes }) => processes.maxThreads,
  ),
  ...stalls('cpu', 'CPU', ({ cpu }) => cpu.pressure),
  ...stalls('memory', 'memory', ({ memory }) => memory.pressure),
  ...stalls('io', 'IO', ({ io }) => io.pressure),
  spec('start_time_seconds', 'Start time of the container since unix epoch in seconds.', ({ madeAtMs }) =>
    madeAtMs === undefined ? undefined : Math.floor(madeAtMs / 1000),
  ),
  spec('spec_cpu_period', 'CPU period of the container.', ({ cpu }) => cpu.periodUs),
  spec('spec_cpu_quota', 'CPU quota of the container.', ({ cpu }) => cpu.quotaUs),
  spec('spec_cpu_shares', 'CPU share of the container.', ({ cpu }) => cpu.shares),
  spec('spec_memory_limit_bytes', 'Memory limit for the container.', ({ memory }) => memory.limit ?? 0),
  spec('spec_memory_swap_limit_bytes', 'Memory swap limit for the container.', ({ memory }) => memory.swapLimit ?? 0),
  spec(
    'spec_memory_reservation_limit_bytes',
    'Memory reservation limit for the container.',
    ({ memory }) => memory.reservation ?? 0,
  ),
];

type Rootfs = NonNullable<CadvisorSubject['rootfs']>;

interface RootfsFigure extends Pick<Family, 'name' | 'help' | 'type'> {
  value(rootfs: Rootfs, fs: FileSystemReading): number;
}

const ofRootfs = (name: string, help: string, value: RootfsFigure['value']): RootfsFigure => ({
  name: `container_fs_${name}`,
  help,
  type: 'gauge',
  value,
});

export const rootfsFigures: readonly RootfsFigure[] = [
  ofRootfs('inodes_free', 'Number of available Inodes', (_, fs) => fs.inodesFree),
  ofRootfs('inodes_total', 'Number of Inodes', (_, fs) => fs.inodes),
  ofRootfs(
    'limit_bytes',
    'Number of bytes that can be consumed by the container on this filesystem.',
    (_, fs) => fs.capacityBytes,
  ),
  ofRootfs(
    'usage_bytes',
    'Number of bytes that are consumed by the container on this filesystem.',
    (rootfs) => rootfs.usedBytes,
  ),
];

interface NetworkFigure {
  readonly name: string;
  readonly help: string;
  readonly key: Exclude<keyof InterfaceReading, 'name'>;
}

const ofNetwork = (name: string, help: string, key: NetworkFigure['key']): NetworkFigure => ({
  name: `container_network_${name}_total`,
  help: `Cumulative count of ${help}`,
  key,
});

export const networkFigures: readonly NetworkFigure[] = [
  ofNetwork('receive_bytes', 'bytes received', 'rxBytes'),
  ofNetwork('receive_packets', 'packets received', 'rxPackets'),
  ofNetwork('receive_packets_dropped', 'packets dropped while receiving', 'rxDropped'),
  ofNetwork('receive_errors', 'errors encountered while receiving', 'rxErrors'),
  ofNetwork('transmit_bytes', 'bytes transmitted', 'txBytes'),
  ofNetwork('transmit_packets', 'packets transmitted', 'txPackets'),
  ofNetwork('transmit_packets_dropped', 'packets dropped while transmitting', 'txDropped'),
  ofNetwork('transmit_errors', 'errors encountered while transmitting', 'txErrors'),
];
