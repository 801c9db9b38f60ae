// The last words of a container: its termination log, or the end of its output when it asks for that.
import { open } from 'node:fs/promises';
import { terminationLogPath } from './container-mounts.ts';
import { restartCountAnnotation, terminationPolicyAnnotation } from './labels.ts';
import type { ContainerRecord } from './runtime-tracker.ts';

const maxMessageBytes = 4096;
const maxTailBytes = 2048;
const maxTailLines = 80;

export async function readTermination(record: ContainerRecord, podDir: string): Promise<string> {
  const count = Number(record.annotations[restartCountAnnotation] ?? 0);
  const path = terminationLogPath(podDir, record.name, count);
  const own = await readEnd(path, maxMessageBytes, 'start');
  if (own || record.exitCode === 0 || record.annotations[terminationPolicyAnnotation] !== 'FallbackToLogsOnError')
    return own;
  const log = await readEnd(record.logPath, 64 * 1024, 'end');
  const lines = log.split('\n').filter(Boolean).slice(-maxTailLines).map(wordsOf);
  return Buffer.from(lines.join('')).subarray(-maxTailBytes).toString();
}

/** `TIME STREAM F|P WORDS`: after P the line goes on, or the output ended without a line's end. */
function wordsOf(line: string): string {
  const [, , tag, ...words] = line.split(' ');
  return `${words.join(' ')}${tag?.startsWith('P') ? '' : '\n'}`;
}

async function readEnd(path: string, maxBytes: number, from: 'start' | 'end'): Promise<string> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const length = Math.min(size, maxBytes);
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(length),
      0,
      length,
      from === 'start' ? 0 : size - length,
    );
    return buffer.subarray(0, bytesRead).toString();
  } catch {
    return ''; // never written, or gone with its pod
  }
}
