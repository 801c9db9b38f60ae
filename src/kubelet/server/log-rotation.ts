// Container logs stay small: a file that is full is put aside and the runtime opens a new one; a few are kept.
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { every } from '../../base/clock.ts';
import type { KubeletConfiguration } from '../config/types.ts';
import type { PodServices } from '../pods/pod-services.ts';
import type { ContainerRecord } from '../pods/runtime-tracker.ts';

export type LogLimits = Pick<
  KubeletConfiguration,
  'containerLogMaxBytes' | 'containerLogMaxFiles' | 'containerLogMaxWorkers' | 'containerLogMonitorMs'
>;

type Services = Pick<PodServices, 'tracker' | 'runtime' | 'clock' | 'log'>;

/** Looks at every running container, again and again until the signal. */
export async function keepLogsSmall(services: Services, limits: LogLimits, signal: AbortSignal): Promise<void> {
  for await (const _ of every(services.clock, limits.containerLogMonitorMs, signal)) await rotateLogs(services, limits);
}

/** Looks at every running container once. */
export async function rotateLogs(services: Services, limits: LogLimits): Promise<void> {
  const waiting = [...services.tracker.containers()].values();
  const work = async () => {
    for (const record of waiting) await rotate(services, limits, record);
  };
  await Promise.all(Array.from({ length: limits.containerLogMaxWorkers }, work));
}

async function rotate(
  { runtime, clock, log }: Services,
  { containerLogMaxBytes, containerLogMaxFiles }: LogLimits,
  { id, state, logPath }: ContainerRecord,
): Promise<void> {
  if (state !== 'CONTAINER_RUNNING' || !logPath) return;
  const size = (await stat(logPath).catch(() => undefined))?.size ?? 0;
  if (size < containerLogMaxBytes) return;
  const aside = await nameAside(logPath, clock.now());
  try {
    await dropOldest(logPath, containerLogMaxFiles);
    await rename(logPath, aside);
    await runtime.reopenContainerLog(id).catch(async (error) => {
      await rename(aside, logPath); // it goes on writing there
      throw error;
    });
  } catch (error) {
    log.warn('a log was not rotated', { path: logPath, error: String(error) });
  }
}

/** Later than any other, also within one second or when the clock was set back: names say the order. */
async function nameAside(logPath: string, nowMs: number): Promise<string> {
  const last = (await rotatedLogs(logPath)).at(-1)?.match(/\.(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/) ?? [];
  const [, year, month, day, hour, minute, second] = last;
  const lastMs = year ? Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) : 0;
  const suffix = new Date(Math.max(nowMs, lastMs + 1000)).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return `${logPath}.${suffix}`;
}

/** Files of the same container put aside earlier, oldest first. */
export async function rotatedLogs(logPath: string): Promise<string[]> {
  const dir = dirname(logPath);
  const prefix = `${basename(logPath)}.`;
  const names = await readdir(dir).catch(() => []);
  return names
    .filter((name) => name.startsWith(prefix) && /\.\d{14}$/.test(name))
    .sort()
    .map((name) => join(dir, name));
}

/** Room for the file to be put aside now, the live one counted. */
async function dropOldest(logPath: string, maxFiles: number): Promise<void> {
  const old = await rotatedLogs(logPath);
  for (const path of old.slice(0, Math.max(0, old.length - (maxFiles - 2)))) await rm(path, { force: true });
}
