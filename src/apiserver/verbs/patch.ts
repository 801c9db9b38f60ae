import type { KubernetesObject } from '../../api/meta/object.ts';
import { apiVersionOf } from '../../api/meta/object.ts';
import { badRequest } from '../../api/meta/status-error.ts';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { inSlices } from '../../base/turns.ts';
import { strictMessage } from '../../schema/codec.ts';
import { copyJson } from '../../schema/copy-json.ts';
import type { Answer } from '../http/answer.ts';
import { trackUpdate } from '../managed-fields/track-update.ts';
import { answerFormat } from './answer-format.ts';
import type { Call } from './call.ts';
import { requireAcceptable } from './create.ts';
import { placeInNamespace } from './create-object.ts';
import { trackedWrite } from './field-tracking.ts';
import { writeOptions } from './options.ts';
import { patchType, readPatch } from './patch-body.ts';
import { refuseUnknownKind, versionOfPatched } from './patched-version.ts';
import { toStorage } from './to-storage.ts';
import { checkName } from './update.ts';
import { updateObject } from './update-object.ts';
import { writeCall } from './write-call.ts';

/** PATCH: applied to the object in the version of the path, again when someone wrote in between. */
export async function patch(call: Call): Promise<Answer> {
  const type = patchType(call);
  requireAcceptable(call);
  const format = answerFormat(call, 'object');
  const options = writeOptions(call.query, 'PatchOptions', type === 'apply');
  if (type === 'apply') return (await import('./apply.ts')).apply(call, options, format);
  const change = await readPatch(call);
  const { resource } = call;
  let given: unknown;
  const write = { ...writeCall(call, options.isDryRun), given: () => given };
  const seen = (patched: unknown, quote: () => string) => {
    given = patched;
    if (type !== 'strategic') refuseUnknownKind(call, patched, quote);
  };
  const tracked = trackedWrite(call, options);
  const { entry, isCreated } = await updateObject(write, {
    mayRetry: !change.namesVersion,
    change: async (current) => {
      const before = current && resource.fromStorage(copyJson(current));
      const strict = options.fieldValidation !== 'Ignore';
      if (write.slices?.isDue) await write.slices.pause();
      const applied = inSlices(change.apply(before!, resource.typeName, { strict, seen }), write.slices);
      const { object, strictErrors } = applied instanceof Promise ? await applied : applied;
      const written = versionOfPatched(call, object);
      report(call, strictErrors, options.fieldValidation);
      const next = landed(call, object, written);
      if (write.slices?.isDue) await write.slices.pause();
      await trackUpdate(tracked, current!, next, write.slices);
      return next;
    },
  });
  return { type: 'bytes', status: isCreated ? 201 : 200, contentType: format.contentType, body: format.single(entry) };

  function landed({ resource, info }: Call, object: KubernetesObject, written: ResourceInfo): KubernetesObject {
    placeInNamespace(write, object);
    checkName(object, info.name);
    return toStorage(written, { ...object, kind: resource.kind, apiVersion: apiVersionOf(written) });
  }
}

function report(call: Call, strictErrors: readonly string[], fieldValidation: string): void {
  if (strictErrors.length === 0) return;
  if (fieldValidation === 'Strict') throw badRequest(strictMessage(strictErrors));
  for (const problem of strictErrors) call.warn(problem);
}
