// What the machine as a whole has and uses.
import { readFile } from 'node:fs/promises';
import { type PressurePair, pressurePair } from './cgroup-reading.ts';

export interface MachineReading {
  readonly memory: {
    readonly total: number;
    readonly available: number;
    readonly used: number;
    readonly anonymous: number;
  };
  readonly swap: { readonly free: number; readonly used: number; readonly total: number };
  readonly maxPid: number;
  /** Threads, as the kernel counts them. */
  readonly processes: number;
  readonly bootTimeMs: number;
  readonly cpuPressure: PressurePair | undefined;
  readonly memoryPressure: PressurePair | undefined;
  readonly ioPressure: PressurePair | undefined;
}

const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

export async function readMachine(): Promise<MachineReading> {
  const [meminfo, load, maxPid, stat, cpu, memory, io] = await Promise.all([
    text('/proc/meminfo'),
    text('/proc/loadavg'),
    text('/proc/sys/kernel/pid_max'),
    text('/proc/stat'),
    text('/proc/pressure/cpu'),
    text('/proc/pressure/memory'),
    text('/proc/pressure/io'),
  ]);
  const ki = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1024;
  return {
    memory: {
      total: ki('MemTotal'),
      available: ki('MemAvailable'),
      used: ki('MemTotal') - ki('MemFree'),
      anonymous: ki('AnonPages'),
    },
    swap: { total: ki('SwapTotal'), free: ki('SwapFree'), used: ki('SwapTotal') - ki('SwapFree') },
    maxPid: Number(maxPid.trim() || 0),
    processes: Number(load.split(' ')[3]?.split('/')[1] ?? 0),
    bootTimeMs: Number(/^btime (\d+)/m.exec(stat)?.[1] ?? 0) * 1000,
    cpuPressure: pressurePair(cpu),
    memoryPressure: pressurePair(memory),
    ioPressure: pressurePair(io),
  };
}
