// Tries inputs in a thread of its own, so that one that never comes back can be ended from outside.
import { parentPort, workerData } from 'node:worker_threads';
import { seededRandom } from '../../src/base/random.ts';
import type { OpenTarget } from './target.ts';
import { targets } from './targets/index.ts';

export interface Job {
  readonly target: string;
  readonly seed: number;
  readonly maxInputs: number;
  readonly maxMs: number;
  /** Tried instead of made ones. */
  readonly inputs?: readonly Uint8Array[];
  /** [inputs begun, seed of the one being tried]. */
  readonly progress: Uint32Array;
}

export interface Outcome {
  readonly tried: number;
  readonly failure?: { readonly seed: number; readonly input: Uint8Array; readonly problem: string };
}

/** What one input may cost of a processor: a fixed part, and so much for each KiB. */
const budgetMs = 50;
const budgetMsPerKiB = 1;

const job = workerData as Job;
const target = await targets.find(({ name }) => name === job.target)!.open();
const prototypeKeys = Reflect.ownKeys(Object.prototype).join();
parentPort!.postMessage(await run(target));
await target.close?.();

async function run(opened: OpenTarget): Promise<Outcome> {
  const ends = performance.now() + job.maxMs;
  let tried = 0;
  for (const { input, seed } of job.inputs ? given(job.inputs) : made(opened)) {
    const problem = await problemOf(opened, input);
    tried++;
    if (problem) return { tried, failure: { seed, input, problem } };
    if (performance.now() > ends) break;
  }
  return { tried };
}

function* given(inputs: readonly Uint8Array[]): Generator<{ input: Uint8Array; seed: number }> {
  for (const input of inputs) {
    job.progress[0]!++;
    yield { input, seed: 0 };
  }
}

/** The first input is that of the seed itself, so that a failure can be asked for by its own. */
function* made(opened: OpenTarget): Generator<{ input: Uint8Array; seed: number }> {
  for (let index = 0; index < job.maxInputs; index++) {
    const seed = (job.seed + Math.imul(index, 0x9e3779b1)) >>> 0;
    job.progress[1] = seed;
    job.progress[0]!++;
    yield { input: opened.make(seededRandom(seed)), seed };
  }
}

async function problemOf(opened: OpenTarget, input: Uint8Array): Promise<string | undefined> {
  let best = Number.POSITIVE_INFINITY;
  const allowed = budgetMs + (input.length / 1024) * budgetMsPerKiB;
  // Compiling and collecting garbage cost once, a slow decoder costs each time.
  for (let attempt = 0; attempt < 3 && best > allowed; attempt++) {
    const before = process.threadCpuUsage();
    try {
      await opened.check(input);
    } catch (error) {
      return (error as Error)?.stack ?? String(error);
    }
    const { user, system } = process.threadCpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  if (best > allowed) return `took ${Math.round(best)} ms of a processor, ${Math.round(allowed)} ms are allowed`;
  if (Reflect.ownKeys(Object.prototype).join() !== prototypeKeys) return 'Object.prototype was changed';
  return undefined;
}
