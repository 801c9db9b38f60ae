import type { KubernetesObject } from '../../api/meta/object.ts';
import { badRequest, type StatusError } from '../../api/meta/status-error.ts';
import { copyJson } from '../../schema/copy-json.ts';
import type { Answer } from '../http/answer.ts';
import { trackLargeCreate, trackUpdate } from '../managed-fields/track-update.ts';
import { answerFormat } from './answer-format.ts';
import type { Call } from './call.ts';
import { requireAcceptable } from './create.ts';
import { placeInNamespace } from './create-object.ts';
import { decodeBody } from './decode-body.ts';
import { trackedWrite } from './field-tracking.ts';
import { parseGiven } from './given-empties.ts';
import { writeOptions } from './options.ts';
import { toStorage } from './to-storage.ts';
import { updateObject } from './update-object.ts';
import { writeCall } from './write-call.ts';

/** PUT of an object, or of a subresource that is a part of it. */
export async function update(call: Call): Promise<Answer> {
  requireAcceptable(call);
  const format = answerFormat(call, 'object');
  const options = writeOptions(call.query, 'UpdateOptions');
  const { resource, info } = call;
  let given: Uint8Array | undefined;
  const body = await decodeBody(call.http, {
    expected: resource,
    fieldValidation: options.fieldValidation,
    table: call.server.registry.table,
    warn: call.warn,
    given: (bytes) => {
      given = bytes;
    },
  });
  call.noted?.requestObject(body);
  const write = { ...writeCall(call, options.isDryRun), given: () => parseGiven(given) };
  placeInNamespace(write, body);
  checkName(body, info.name);
  const object = toStorage(resource, body);
  const tracked = trackedWrite(call, options);
  const { entry, isCreated } = await updateObject(write, {
    change: async (current) => {
      const next = copyJson(object);
      if (write.slices?.isDue) await write.slices.pause();
      if (current) await trackUpdate(tracked, current, next, write.slices);
      else await trackLargeCreate(tracked, next, write.slices);
      return next;
    },
    checksUid: true,
    // Without a resourceVersion the client wants its state, whatever was written in between.
    mayRetry: !object.metadata.resourceVersion,
    mayCreate: !info.subresource && resource.rules.allowsCreateOnUpdate === true,
  });
  return { type: 'bytes', status: isCreated ? 201 : 200, contentType: format.contentType, body: format.single(entry) };
}

export const nameless = (name: string): StatusError =>
  badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);

/** The body must say the same name as the path. @throws StatusError 400 */
export function checkName({ metadata }: KubernetesObject, name: string): void {
  if (!metadata.name) throw nameless(name);
  if (metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
}
