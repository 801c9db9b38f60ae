// What is scarce on this machine, by upstream's default thresholds.
import { readFile, statfs } from 'node:fs/promises';
import type { Pressure } from './node-status.ts';

const minMemoryBytes = 100 * 2 ** 20;
const minDiskShare = 0.02;

export async function readPressure(dataDir: string): Promise<Pressure> {
  const [memory, disk, threads] = await Promise.all([
    readFile('/proc/meminfo', 'utf8').catch(() => ''),
    statfs(dataDir).catch(() => undefined),
    readFile('/proc/loadavg', 'utf8').catch(() => ''),
  ]);
  const availableKi = Number(/^MemAvailable:\s+(\d+)/m.exec(memory)?.[1] ?? Number.POSITIVE_INFINITY);
  const running = Number(threads.split(' ')[3]?.split('/')[1] ?? 0);
  const maxPids = Number(await readFile('/proc/sys/kernel/pid_max', 'utf8').catch(() => 'Infinity'));
  return {
    memory: availableKi * 1024 < minMemoryBytes,
    disk: disk !== undefined && disk.bavail / disk.blocks < minDiskShare,
    pids: running > maxPids * 0.95,
  };
}
