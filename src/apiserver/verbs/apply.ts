// PATCH with an apply body: server-side apply of an object, or of a part of it.

import { apiVersionOf, type KubernetesObject } from '../../api/meta/object.ts';
import { badRequest, tooManyRequests } from '../../api/meta/status-error.ts';
import { inSlices, ownTurn } from '../../base/turns.ts';
import { isLargeApply, readLargeApply, TasksBusyError } from '../../schema/body-thread.ts';
import { DecodeError } from '../../schema/codec.ts';
import { copyJson } from '../../schema/copy-json.ts';
import { isObject, type JsonObject, PatchError } from '../../schema/patch-error.ts';
import { appliedObject, decodeApplyPatch } from '../../schema/yaml-body.ts';
import type { Answer } from '../http/answer.ts';
import { isAsked } from '../http/parse-request.ts';
import { checkApplied, stampManagers } from '../managed-fields/apply-object.ts';
import { applyWithAnnotation } from '../managed-fields/last-applied.ts';
import type { ObjectFormat } from '../registry/format.ts';
import type { Call } from './call.ts';
import { placeInNamespace } from './create-object.ts';
import { maxBodyBytes } from './decode-body.ts';
import { trackedWrite } from './field-tracking.ts';
import type { WriteOptions } from './options.ts';
import { toStorage } from './to-storage.ts';
import { checkName } from './update.ts';
import { updateObject } from './update-object.ts';
import { writeCall } from './write-call.ts';

/** What is applied. @throws StatusError 400 for what is no object */
export async function readApplied(call: Call): Promise<JsonObject> {
  const body = await call.http.body(maxBodyBytes);
  call.noted?.requestPatch(body);
  try {
    if (!isLargeApply(body)) return decodeApplyPatch(body);
    const applied = appliedObject(await readLargeApply(body));
    await ownTurn();
    return applied;
  } catch (error) {
    if (error instanceof PatchError || error instanceof DecodeError) throw badRequest(error.message);
    if (error instanceof TasksBusyError) throw tooManyRequests(error.message, 1);
    throw error;
  }
}

/** A version in what is applied makes a lost race the client's matter. */
export function namesVersion(applied: JsonObject): boolean {
  const metadata = applied['metadata'];
  return isObject(metadata) && Boolean(metadata['resourceVersion']);
}

export const isForced = ({ query }: Call): boolean => isAsked(query.get('force'));

export async function apply(call: Call, options: WriteOptions, format: ObjectFormat): Promise<Answer> {
  const { resource, info } = call;
  const applied = await readApplied(call);
  const write = writeCall(call, options.isDryRun);
  const tracked = trackedWrite(call, options);
  const { entry, isCreated } = await updateObject(write, {
    mayRetry: !namesVersion(applied),
    mayCreate: !info.subresource,
    change: async (current) => {
      const { slices } = write;
      if (slices?.isDue) await slices.pause();
      checkApplied(resource, applied);
      if (slices?.isDue) await slices.pause();
      const { object, managers } = await inSlices(
        applyWithAnnotation(tracked, current, applied, isForced(call)),
        slices,
      );
      if (slices?.isDue) await slices.pause();
      const next = object ? landed(object) : copyJson(current!);
      if (slices?.isDue) await slices.pause();
      await inSlices(stampManagers(next, managers, current), slices);
      return next;
    },
  });
  return { type: 'bytes', status: isCreated ? 201 : 200, contentType: format.contentType, body: format.single(entry) };

  function landed(object: KubernetesObject): KubernetesObject {
    placeInNamespace(write, object);
    checkName(object, info.name);
    return toStorage(resource, { ...object, kind: resource.kind, apiVersion: apiVersionOf(resource) });
  }
}
