// Bodies of any size without keeping others waiting: a small one is read at once, a large one in a thread of its own.
import { TaskFailedError, TaskThreads } from '../base/task-threads.ts';
import { workerUrl } from '../base/worker-url.ts';
import { YamlError } from '../base/yaml.ts';
import { type YamlAsJson, yamlToJson } from '../base/yaml-json.ts';
import type { BodyTask, BodyVerdict, DecodedText, TypesByKind } from './body-task.ts';
import { DecodeError } from './limits.ts';
import { PatchError } from './patch-error.ts';

export { TasksBusyError } from '../base/task-threads.ts';

/** The reader takes up to 0.4 ms for each KiB of YAML that is made to be slow. */
const maxYamlHere = 8 * 1024;
/** JSON that is made to be slow takes 0.1 ms for each KiB. */
const maxJsonHere = 64 * 1024;

export const isLargeJson = (body: Uint8Array | string): boolean => body.length > maxJsonHere;

const openBrace = 0x7b;

/** An apply body is YAML, which JSON is too. */
export const isLargeApply = (body: Uint8Array): boolean =>
  body.length > (body[0] === openBrace ? maxJsonHere : maxYamlHere);

const threads = new TaskThreads<BodyTask, BodyVerdict>({
  url: workerUrl('body-worker'),
  name: 'bodies',
  maxThreads: 2,
  maxWaiting: 100,
  maxMs: 10_000,
  memoryMb: 256,
  idleMs: 5000,
});

/** @throws YamlError, TasksBusyError */
export async function readYaml(text: string): Promise<YamlAsJson> {
  if (text.length <= maxYamlHere) return yamlToJson(text);
  const { result } = (await judged({ type: 'yaml', text }, yamlTrouble)) as BodyVerdict & { type: 'yaml' };
  return result;
}

const yamlTrouble = (problem: string) => new YamlError(`yaml: the document ${problem} to read`);

/** A large JSON body of one of some kinds, as canonical text. @throws DecodeError, TasksBusyError */
export async function decodeLarge(body: Uint8Array, types: TypesByKind, strict: boolean): Promise<DecodedText> {
  const task = { type: 'object', body, types, strict } as const;
  const { result } = (await judged(task, bodyTrouble)) as BodyVerdict & { type: 'object' };
  return result;
}

const bodyTrouble = (problem: string) => new DecodeError('limit', `the request body ${problem} to read`);

/** A large patch is looked through before it is read here. @throws PatchError, DecodeError, TasksBusyError */
export async function checkLargePatch(body: Uint8Array, isOperations: boolean): Promise<void> {
  await judged({ type: 'patch', body, isOperations }, bodyTrouble);
}

/** What a large apply body says, as JSON text. @throws PatchError, DecodeError, TasksBusyError */
export async function readLargeApply(body: Uint8Array): Promise<string> {
  return ((await judged({ type: 'apply', body }, bodyTrouble)) as BodyVerdict & { type: 'apply' }).json;
}

async function judged(task: BodyTask, trouble: (problem: string) => Error): Promise<BodyVerdict> {
  let verdict: BodyVerdict;
  try {
    verdict = await threads.run(task);
  } catch (error) {
    throw error instanceof TaskFailedError ? trouble(error.message) : error;
  }
  if (verdict.type === 'bad yaml') throw new YamlError(verdict.problem);
  if (verdict.type === 'bad patch') throw new PatchError(verdict.code, verdict.message);
  if (verdict.type === 'undecodable') throw new DecodeError(verdict.failure, verdict.message, verdict.says);
  return verdict;
}
