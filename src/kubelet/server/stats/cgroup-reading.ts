// What one group of processes uses, and may use.
import type { CgroupFiles } from './cgroup-files.ts';
import { pairs, single } from './cgroup-files.ts';

/** Share of time in which some, or all, waited. */
export interface Pressure {
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  /** Microseconds. */
  readonly total: number;
}

export interface PressurePair {
  readonly some: Pressure;
  readonly full: Pressure;
}

export interface DiskTraffic {
  /** `8:0`. */
  readonly device: string;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly reads: number;
  readonly writes: number;
}

export interface CgroupReading {
  readonly atMs: number;
  readonly madeAtMs: number | undefined;
  readonly cpu: {
    readonly totalNs: number;
    readonly userSeconds: number;
    readonly systemSeconds: number;
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttledSeconds: number;
    readonly shares: number | undefined;
    readonly quotaUs: number | undefined;
    readonly periodUs: number | undefined;
    readonly pressure: PressurePair | undefined;
  };
  readonly memory: {
    readonly usage: number;
    readonly workingSet: number;
    readonly rss: number;
    readonly cache: number;
    readonly mappedFile: number;
    readonly activeFile: number;
    readonly inactiveFile: number;
    readonly kernel: number;
    readonly swap: number;
    readonly peak: number;
    readonly failures: number;
    readonly pageFaults: number;
    readonly majorPageFaults: number;
    readonly limit: number | undefined;
    readonly swapLimit: number | undefined;
    readonly reservation: number | undefined;
    readonly pressure: PressurePair | undefined;
  };
  readonly io: { readonly devices: readonly DiskTraffic[]; readonly pressure: PressurePair | undefined };
  readonly processes: { readonly ids: readonly number[]; readonly threads: number; readonly maxThreads: number };
}

/** Undefined when there is no such group. */
export async function readCgroup(files: CgroupFiles, group: string, nowMs: number): Promise<CgroupReading | undefined> {
  const madeAtMs = await files.madeAtMs(group);
  if (madeAtMs === undefined) return undefined;
  const [cpu, memory, io, processes] = await Promise.all([
    files.isUnified ? unifiedCpu(files, group) : splitCpu(files, group),
    files.isUnified ? unifiedMemory(files, group) : splitMemory(files, group),
    files.isUnified ? unifiedIo(files, group) : splitIo(files, group),
    readProcesses(files, group),
  ]);
  return { atMs: nowMs, madeAtMs, cpu, memory, io, processes };
}

const ticksPerSecond = 100;

async function splitCpu(files: CgroupFiles, group: string): Promise<CgroupReading['cpu']> {
  const [usage, ticks, stat, shares, quota, period] = await Promise.all([
    files.read('cpuacct', group, 'cpuacct.usage'),
    files.read('cpuacct', group, 'cpuacct.stat'),
    files.read('cpu', group, 'cpu.stat'),
    files.read('cpu', group, 'cpu.shares'),
    files.read('cpu', group, 'cpu.cfs_quota_us'),
    files.read('cpu', group, 'cpu.cfs_period_us'),
  ]);
  const spent = pairs(ticks);
  const limited = pairs(stat);
  const quotaUs = single(quota);
  return {
    totalNs: single(usage) ?? 0,
    userSeconds: (spent.get('user') ?? 0) / ticksPerSecond,
    systemSeconds: (spent.get('system') ?? 0) / ticksPerSecond,
    periods: limited.get('nr_periods') ?? 0,
    throttledPeriods: limited.get('nr_throttled') ?? 0,
    throttledSeconds: (limited.get('throttled_time') ?? 0) / 1e9,
    shares: single(shares),
    quotaUs: quotaUs !== undefined && quotaUs > 0 ? quotaUs : undefined,
    periodUs: single(period),
    pressure: undefined,
  };
}

async function unifiedCpu(files: CgroupFiles, group: string): Promise<CgroupReading['cpu']> {
  const [stat, weight, max, pressure] = await Promise.all([
    files.read('cpu', group, 'cpu.stat'),
    files.read('cpu', group, 'cpu.weight'),
    files.read('cpu', group, 'cpu.max'),
    files.read('cpu', group, 'cpu.pressure'),
  ]);
  const spent = pairs(stat);
  const of = (name: string): number => spent.get(name) ?? 0;
  const [quota = 'max', period = '100000'] = max.trim().split(' ');
  const given = single(weight);
  return {
    totalNs: of('usage_usec') * 1000,
    userSeconds: of('user_usec') / 1e6,
    systemSeconds: of('system_usec') / 1e6,
    periods: of('nr_periods'),
    throttledPeriods: of('nr_throttled'),
    throttledSeconds: of('throttled_usec') / 1e6,
    shares: given === undefined ? undefined : Math.round(2 + ((given - 1) * 262_142) / 9_999),
    quotaUs: single(quota),
    periodUs: Number(period),
    pressure: pressurePair(pressure),
  };
}

async function splitMemory(files: CgroupFiles, group: string): Promise<CgroupReading['memory']> {
  const read = (file: string): Promise<string> => files.read('memory', group, file);
  const [stat, usage, peak, failures, limit, swapLimit, reservation, kernel] = await Promise.all(
    [
      'memory.stat',
      'memory.usage_in_bytes',
      'memory.max_usage_in_bytes',
      'memory.failcnt',
      'memory.limit_in_bytes',
      'memory.memsw.limit_in_bytes',
      'memory.soft_limit_in_bytes',
      'memory.kmem.usage_in_bytes',
    ].map(read),
  );
  const stats = pairs(stat ?? '');
  const of = (name: string): number => stats.get(`total_${name}`) ?? stats.get(name) ?? 0;
  const used = single(usage ?? '') ?? 0;
  return {
    usage: used,
    workingSet: Math.max(0, used - of('inactive_file')),
    rss: of('rss'),
    cache: of('cache'),
    mappedFile: of('mapped_file'),
    activeFile: of('active_file'),
    inactiveFile: of('inactive_file'),
    kernel: single(kernel ?? '') ?? 0,
    swap: of('swap'),
    peak: single(peak ?? '') ?? 0,
    failures: single(failures ?? '') ?? 0,
    pageFaults: of('pgfault'),
    majorPageFaults: of('pgmajfault'),
    limit: single(limit ?? ''),
    swapLimit: single(swapLimit ?? ''),
    reservation: single(reservation ?? ''),
    pressure: undefined,
  };
}

async function unifiedMemory(files: CgroupFiles, group: string): Promise<CgroupReading['memory']> {
  const read = (file: string): Promise<string> => files.read('memory', group, file);
  const names = ['stat', 'current', 'peak', 'events', 'max', 'swap.current', 'swap.max', 'low', 'pressure'];
  const [stat, current, peak, events, max, swap, swapMax, low, pressure] = await Promise.all(
    names.map((name) => read(`memory.${name}`)),
  );
  const stats = pairs(stat ?? '');
  const of = (name: string): number => stats.get(name) ?? 0;
  const used = single(current ?? '') ?? of('anon') + of('file');
  return {
    usage: used,
    workingSet: Math.max(0, used - of('inactive_file')),
    rss: of('anon'),
    cache: of('file'),
    mappedFile: of('file_mapped'),
    activeFile: of('active_file'),
    inactiveFile: of('inactive_file'),
    kernel: of('kernel'),
    swap: single(swap ?? '') ?? 0,
    peak: single(peak ?? '') ?? 0,
    failures: pairs(events ?? '').get('max') ?? 0,
    pageFaults: of('pgfault'),
    majorPageFaults: of('pgmajfault'),
    limit: single(max ?? ''),
    swapLimit: single(swapMax ?? ''),
    reservation: single(low ?? ''),
    pressure: pressurePair(pressure ?? ''),
  };
}

/** `8:0 Read 4096` lines. */
function byDevice(text: string): Map<string, Map<string, number>> {
  const devices = new Map<string, Map<string, number>>();
  for (const line of text.split('\n')) {
    const [device = '', operation = '', value] = line.split(' ');
    if (value === undefined) continue;
    const of = devices.get(device) ?? new Map<string, number>();
    devices.set(device, of.set(operation, Number(value)));
  }
  return devices;
}

async function splitIo(files: CgroupFiles, group: string): Promise<CgroupReading['io']> {
  const [bytes, operations] = await Promise.all([
    files.read('blkio', group, 'blkio.throttle.io_service_bytes_recursive'),
    files.read('blkio', group, 'blkio.throttle.io_serviced_recursive'),
  ]);
  const counts = byDevice(operations);
  const devices = [...byDevice(bytes)].map(([device, of]) => ({
    device,
    readBytes: of.get('Read') ?? 0,
    writeBytes: of.get('Write') ?? 0,
    reads: counts.get(device)?.get('Read') ?? 0,
    writes: counts.get(device)?.get('Write') ?? 0,
  }));
  return { devices, pressure: undefined };
}

async function unifiedIo(files: CgroupFiles, group: string): Promise<CgroupReading['io']> {
  const [stat, pressure] = await Promise.all([
    files.read('io', group, 'io.stat'),
    files.read('io', group, 'io.pressure'),
  ]);
  const devices = stat.split('\n').flatMap((line) => {
    const [device = '', ...values] = line.split(' ');
    if (values.length === 0) return [];
    const of = new Map(values.map((each) => [each.split('=')[0], Number(each.split('=')[1])]));
    const at = (name: string): number => of.get(name) ?? 0;
    return [{ device, readBytes: at('rbytes'), writeBytes: at('wbytes'), reads: at('rios'), writes: at('wios') }];
  });
  return { devices, pressure: pressurePair(pressure) };
}

async function readProcesses(files: CgroupFiles, group: string): Promise<CgroupReading['processes']> {
  const [ids, current, max] = await Promise.all([
    files.read('memory', group, 'cgroup.procs'),
    files.read('pids', group, 'pids.current'),
    files.read('pids', group, 'pids.max'),
  ]);
  return {
    ids: ids.split('\n').filter(Boolean).map(Number),
    threads: single(current) ?? 0,
    maxThreads: single(max) ?? 0,
  };
}

/** `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`, and the same for all. */
export function pressurePair(text: string): PressurePair | undefined {
  const line = (word: string): Pressure => {
    const [, numbers = ''] = new RegExp(`^${word} (.*)$`, 'm').exec(text) ?? [];
    const of = new Map(numbers.split(' ').map((each) => [each.split('=')[0], Number(each.split('=')[1])]));
    const at = (name: string): number => of.get(name) ?? 0;
    return { avg10: at('avg10'), avg60: at('avg60'), avg300: at('avg300'), total: at('total') };
  };
  return text === '' ? undefined : { some: line('some'), full: line('full') };
}
