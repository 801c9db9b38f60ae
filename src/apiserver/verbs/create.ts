import type { KubernetesObject } from '../../api/meta/object.ts';
import { badRequest } from '../../api/meta/status-error.ts';
import { negotiate } from '../http/accept.ts';
import type { Answer } from '../http/answer.ts';
import { header } from '../http/exchange.ts';
import { trackLargeCreate } from '../managed-fields/track-update.ts';
import { answerFormat } from './answer-format.ts';
import type { Call } from './call.ts';
import { createObject } from './create-object.ts';
import { decodeBody } from './decode-body.ts';
import { trackedWrite } from './field-tracking.ts';
import { parseGiven } from './given-empties.ts';
import { writeOptions } from './options.ts';
import { toStorage } from './to-storage.ts';
import { writeCall } from './write-call.ts';

export async function create(call: Call): Promise<Answer> {
  requireAcceptable(call);
  const format = answerFormat(call, 'object');
  const options = writeOptions(call.query, 'CreateOptions');
  const { resource } = call;
  let given: Uint8Array | undefined;
  const object: KubernetesObject = await decodeBody(call.http, {
    expected: resource,
    fieldValidation: options.fieldValidation,
    table: call.server.registry.table,
    warn: call.warn,
    given: (body) => {
      given = body;
    },
  });
  call.noted?.requestObject(object);
  checkNamespace(call, object);
  // What only the server says belongs to nobody.
  delete object.metadata.selfLink;
  delete object.metadata.deletionTimestamp;
  delete object.metadata.deletionGracePeriodSeconds;
  const write = { ...writeCall(call, options.isDryRun), given: () => parseGiven(given) };
  const stored = toStorage(resource, object);
  if (write.slices?.isDue) await write.slices.pause();
  const tracking = trackLargeCreate(trackedWrite(call, options), stored, write.slices);
  if (tracking) await tracking;
  const entry = await createObject(write, stored);
  return { type: 'bytes', status: 201, contentType: format.contentType, body: format.single(entry) };
}

/** Writes refuse an unknown Accept before they look at anything else. @throws StatusError 406 */
export function requireAcceptable(call: Call): void {
  negotiate(header(call.http, 'accept'), { hasProtobuf: !call.resource.custom });
}

function checkNamespace({ resource, info }: Call, { metadata }: KubernetesObject): void {
  if (!resource.namespaced || !metadata.namespace || metadata.namespace === info.namespace) return;
  throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}
