import type { DeleteOptions } from '../../../generated/meta-v1.ts';
import type { Answer } from '../http/answer.ts';
import { statusAnswer } from '../http/answer.ts';
import type { Entry } from '../registry/entry.ts';
import { answerFormat } from './answer-format.ts';
import type { Call } from './call.ts';
import { requireAcceptable } from './create.ts';
import { deleteObject, isNamespace } from './delete-object.ts';
import { deleteOptions } from './delete-options.ts';
import { describedDeleteOptions } from './operation-options.ts';
import { writeCall } from './write-call.ts';

export async function deleteOne(call: Call): Promise<Answer> {
  requireAcceptable(call);
  const options = await deleteOptions(call);
  const write = {
    ...writeCall(call, (options.dryRun?.length ?? 0) > 0),
    options: () => describedDeleteOptions(options),
  };
  warnOfDeletion(call, options);
  const { entry, isGone } = await deleteObject(write, options);
  const showsIt = call.resource.rules.returnsDeletedObject || isNamespace(call);
  if (isGone && !showsIt) return deletedStatus(call, entry);
  const format = answerFormat(call, 'object');
  // What waits for its dependents is accepted where the client says so in the old way.
  const status = !isGone && options.orphanDependents === false ? 202 : 200;
  return { type: 'bytes', status, contentType: format.contentType, body: format.single(entry) };
}

/** Of what becomes of dependents when the client does not say. */
export function warnOfDeletion({ resource, warn }: Call, { orphanDependents, propagationPolicy }: DeleteOptions): void {
  const { deletionWarning } = resource.rules;
  const says = (orphanDependents ?? propagationPolicy ?? undefined) !== undefined;
  if (deletionWarning && !says) warn(deletionWarning);
}

function deletedStatus({ resource }: Call, entry: Entry): Answer {
  return statusAnswer(200, {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: entry.name,
      ...(resource.group ? { group: resource.group } : {}),
      kind: resource.plural,
      uid: entry.metadata().uid,
    },
  });
}
