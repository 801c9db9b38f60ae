// The thread behind body-thread.ts.
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort } from 'node:worker_threads';
import { type BodyTask, judgeBody } from './body-task.ts';

/** As `nice` has it: whatever else the process does comes first. */
const lowPriority = 10;

try {
  // To Linux each thread is a process, and only this one is meant.
  setPriority(Number(basename(readlinkSync('/proc/thread-self'))), lowPriority);
} catch {
  // Then it shares equally.
}

parentPort!.on('message', (task: BodyTask) => parentPort!.postMessage(judgeBody(task)));
