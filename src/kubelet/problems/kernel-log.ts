// Lines of the kernel's log, as they come.
import { constants } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';

export interface KernelLine {
  /** Since the machine started. */
  readonly atSeconds: number;
  readonly text: string;
}

const device = '/dev/kmsg';
const lookMs = 5_000;
/** No record is longer. */
const recordBytes = 8192;
/** What happened right before the start still counts. */
const lookbackSeconds = 300;
/** Of a flood the rest comes with the next look. */
const maxPerLook = 10_000;

/** Until the signal; where the log cannot be read it ends at once. */
export async function followKernelLog(
  onLine: (line: KernelLine) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const opened = await open(device, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => undefined);
  if (!opened) return;
  await using log = opened;
  const since = (await uptimeSeconds()) - lookbackSeconds;
  while (!signal.aborted) {
    for await (const record of newRecords(log, signal)) {
      const line = parseRecord(record);
      if (line && line.atSeconds >= since) onLine(line);
    }
    await clock.sleep(lookMs, signal);
  }
}

async function* newRecords(log: FileHandle, signal: AbortSignal): AsyncGenerator<string> {
  const buffer = Buffer.allocUnsafe(recordBytes);
  for (let count = 0; count < maxPerLook && !signal.aborted; count++) {
    try {
      const { bytesRead } = await log.read(buffer, 0, recordBytes, null);
      if (bytesRead === 0) return;
      yield buffer.toString('utf8', 0, bytesRead);
    } catch (error) {
      // EPIPE: some were overwritten before we came; the next read goes on behind them.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') return;
    }
  }
}

/** `6,339,5140900,-;text`, then lines of details. Undefined for what programs wrote there, and for what is no record. */
export function parseRecord(record: string): KernelLine | undefined {
  const match = /^(\d+),\d+,(\d+),[^;]*;([^\n]*)/.exec(record);
  if (!match) return undefined;
  return { atSeconds: Number(match[2]) / 1e6, text: match[3]! };
}

async function uptimeSeconds(): Promise<number> {
  return Number((await readFile('/proc/uptime', 'utf8').catch(() => '0')).split(' ')[0]);
}
