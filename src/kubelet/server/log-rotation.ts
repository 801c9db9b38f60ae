// Container logs stay small: at 10 MiB a file is put aside and the runtime opens a new one; five are kept.
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { PodServices } from '../pods/pod-services.ts';

const maxBytes = 10 * 2 ** 20;
const maxFiles = 5;

/** Looks at every running container once. */
export async function rotateLogs({
  tracker,
  runtime,
  clock,
  log,
}: Pick<PodServices, 'tracker' | 'runtime' | 'clock' | 'log'>): Promise<void> {
  for (const { id, state, logPath } of tracker.containers()) {
    if (state !== 'CONTAINER_RUNNING' || !logPath) continue;
    const size = (await stat(logPath).catch(() => undefined))?.size ?? 0;
    if (size < maxBytes) continue;
    try {
      await dropOldest(logPath);
      const suffix = new Date(clock.now()).toISOString().replace(/[-:T]/g, '').slice(0, 14);
      await rename(logPath, `${logPath}.${suffix}`);
      await runtime.reopenContainerLog(id);
    } catch (error) {
      log.warn('a log was not rotated', { path: logPath, error: String(error) });
    }
  }
}

/** Files of the same container put aside earlier, oldest first. */
export async function rotatedLogs(logPath: string): Promise<string[]> {
  const dir = dirname(logPath);
  const prefix = `${basename(logPath)}.`;
  const names = await readdir(dir).catch(() => []);
  return names
    .filter((name) => name.startsWith(prefix))
    .sort()
    .map((name) => join(dir, name));
}

/** Room for the file to be put aside now, the live one counted. */
async function dropOldest(logPath: string): Promise<void> {
  const old = await rotatedLogs(logPath);
  for (const path of old.slice(0, Math.max(0, old.length - (maxFiles - 2)))) await rm(path, { force: true });
}
