import { isNotFound } from '../../api/meta/status-error.ts';
import type { Answer } from '../http/answer.ts';
import type { Entry } from '../registry/entry.ts';
import { answerFormat } from './answer-format.ts';
import type { Call } from './call.ts';
import { requireAcceptable } from './create.ts';
import { warnOfDeletion } from './delete.ts';
import { deleteObject } from './delete-object.ts';
import { deleteOptions } from './delete-options.ts';
import { readPage } from './list.ts';
import { describedDeleteOptions } from './operation-options.ts';
import { listOptions } from './options.ts';
import { parseScope } from './scope.ts';
import { writeCall } from './write-call.ts';

/** Deletions under way at once. */
const workers = 8;

/** Deletes what a list would show, and answers with that list. */
export async function deleteCollection(call: Call): Promise<Answer> {
  requireAcceptable(call);
  const format = answerFormat(call, 'list');
  const options = await deleteOptions(call);
  const read = listOptions(call.query);
  warnOfDeletion(call, options);
  const scope = parseScope(call.resource, call.info.namespace, read);
  const { entries, head } = await readPage(call, scope, read);
  const write = {
    ...writeCall(call, (options.dryRun?.length ?? 0) > 0),
    options: () => describedDeleteOptions(options),
    isUnnamed: true,
  };
  await inParallel(entries, async (entry) => {
    try {
      await deleteObject({ ...write, namespace: entry.namespace, name: entry.name }, options);
    } catch (error) {
      // Someone else deleted it first, which is what was wanted.
      if (!isNotFound(error)) throw error;
    }
  });
  const body = Buffer.concat([...format.list(entries, head).chunks]);
  return { type: 'bytes', status: 200, contentType: format.contentType, body };
}

async function inParallel(entries: readonly Entry[], work: (entry: Entry) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < entries.length) await work(entries[next++]!);
  };
  await Promise.all(Array.from({ length: Math.min(workers, entries.length) }, worker));
}
