// YAML of any size without keeping others waiting: a small text is read at once, a large one in a thread of its own that
// has a limit of time and of memory. The reader takes up to 0.4 ms for each KiB of what is made to be slow.
import { Worker } from 'node:worker_threads';
import { workerUrl } from './worker-url.ts';
import { YamlError } from './yaml.ts';
import { type YamlAsJson, yamlToJson } from './yaml-json.ts';

export interface YamlTask {
  readonly text: string;
}

export type YamlVerdict = YamlAsJson | { readonly problem: string };

/** Too many large texts at once: try again later. */
export class YamlBusyError extends Error {
  override readonly name = 'YamlBusyError';
}

const maxHereLength = 8 * 1024;
const maxThreads = 2;
const maxWaiting = 20;
const maxMs = 10_000;
const memoryMb = 256;

let threads = 0;
const waiting: (() => void)[] = [];

/** @throws YamlError, YamlBusyError */
export async function readYaml(text: string): Promise<YamlAsJson> {
  if (text.length <= maxHereLength) return yamlToJson(text);
  if (threads >= maxThreads) {
    if (waiting.length >= maxWaiting) throw new YamlBusyError('too many large YAML bodies at once');
    await new Promise<void>((resolve) => waiting.push(resolve));
  }
  threads++;
  try {
    const verdict = await readApart({ text });
    if ('problem' in verdict) throw new YamlError(verdict.problem);
    return verdict;
  } finally {
    threads--;
    waiting.shift()?.();
  }
}

function readApart(task: YamlTask): Promise<YamlVerdict> {
  const { promise, resolve } = Promise.withResolvers<YamlVerdict>();
  const worker = new Worker(workerUrl('yaml-worker'), {
    name: 'yaml',
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  const timer = setTimeout(() => resolve({ problem: 'yaml: the document takes too long to read' }), maxMs);
  worker.once('message', resolve);
  // Out of memory, or a failure of the reader: either is the text's doing, and ends with its thread.
  worker.once('error', () => resolve({ problem: 'yaml: the document takes too much memory to read' }));
  worker.once('exit', () => resolve({ problem: 'yaml: the document could not be read' }));
  return promise.finally(() => {
    clearTimeout(timer);
    void worker.terminate();
  });
}
