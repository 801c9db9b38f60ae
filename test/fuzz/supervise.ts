// Runs one target in its thread and watches it: an input that hangs or eats all memory is a failure like any other.
import { Worker } from 'node:worker_threads';
import { seededRandom } from '../../src/base/random.ts';
import type { Job, Outcome } from './fuzz-worker.ts';
import { targets } from './targets/index.ts';

export interface FuzzRun {
  readonly target: string;
  readonly seed: number;
  readonly maxMs: number;
  readonly maxInputs?: number;
  readonly inputs?: readonly Uint8Array[];
}

/** One input may take this long before its thread is ended. */
const hangMs = 20_000;
const lookEveryMs = 500;
const memoryMb = 1024;

export async function fuzz(run: FuzzRun): Promise<Outcome> {
  const progress = new Uint32Array(new SharedArrayBuffer(8));
  const job: Job = { maxInputs: Number.MAX_SAFE_INTEGER, ...run, progress };
  const worker = new Worker(new URL('./fuzz-worker.ts', import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  const ended = new Promise<Outcome>((resolve) => {
    worker.once('message', resolve);
    worker.once('error', (error) => resolve(failed(error.stack ?? error.message)));
    worker.once('exit', () => resolve(failed('the thread ended without a word')));
  });
  const failed = (problem: string): Outcome => ({
    tried: progress[0]!,
    failure: { seed: progress[1]!, input: new Uint8Array(), problem },
  });
  let last = -1;
  let since = performance.now();
  const hung = Promise.withResolvers<Outcome>();
  const watch = setInterval(() => {
    if (progress[0] !== last) {
      last = progress[0]!;
      since = performance.now();
    } else if (last > 0 && performance.now() - since > hangMs) {
      hung.resolve(failed(`took more than ${hangMs} ms`));
    }
  }, lookEveryMs);
  try {
    return await withInput(run, progress, await Promise.race([ended, hung.promise]));
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}

/** A thread that was ended could not say what it had been given. */
async function withInput(run: FuzzRun, progress: Uint32Array, outcome: Outcome): Promise<Outcome> {
  const { failure } = outcome;
  if (!failure || failure.input.length > 0 || progress[0] === 0) return outcome;
  const input = run.inputs?.[progress[0]! - 1] ?? (await remade(run.target, failure.seed));
  return { ...outcome, failure: { ...failure, input } };
}

async function remade(name: string, seed: number): Promise<Uint8Array> {
  const opened = await targets.find((target) => target.name === name)!.open();
  const input = opened.make(seededRandom(seed));
  await opened.close?.();
  return input;
}
