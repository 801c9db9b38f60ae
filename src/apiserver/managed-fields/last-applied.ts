// From client-side to server-side apply: what `kubectl apply` wrote into its annotation may be taken over without a
// conflict, and the annotation follows what is applied. Only for the manager named `kubectl`.

import type { KubernetesObject } from '../../api/meta/object.ts';
import type { Steps } from '../../base/turns.ts';
import { compareFields } from '../../schema/compare-fields.ts';
import { copyJson } from '../../schema/copy-json.ts';
import { differenceOf, type FieldSet, isEmptySet } from '../../schema/field-set.ts';
import { fieldsOf } from '../../schema/object-fields.ts';
import { isObject, type JsonObject } from '../../schema/patch-error.ts';
import { type Applied, applyObject } from './apply-object.ts';
import { ApplyConflict } from './conflicts.ts';
import type { Write } from './track-update.ts';
import { fromStored, mergeType, resourceAt } from './versioned.ts';

const annotation = 'kubectl.kubernetes.io/last-applied-configuration';
const maxAnnotationBytes = 256 * 1024;

export function* applyWithAnnotation(
  write: Write,
  current: KubernetesObject | undefined,
  applied: JsonObject,
  force: boolean,
): Steps<Applied> {
  if (write.manager !== 'kubectl' || !current) return yield* applyObject(write, current, applied, force);
  const result = yield* applyAllowed(write, current, applied, force);
  yield;
  const lived = result.object ?? current;
  const annotations = lived.metadata.annotations;
  if (annotations?.[annotation] === undefined) return result;
  const text = lastApplied(applied);
  if (annotations[annotation] === text) return result;
  const object = copyJson(result.object ?? fromStored(write.resource, current));
  object.metadata.annotations = { ...object.metadata.annotations, [annotation]: text };
  return { ...result, object };
}

function* applyAllowed(write: Write, current: KubernetesObject, applied: JsonObject, force: boolean): Steps<Applied> {
  try {
    return yield* applyObject(write, current, applied, force);
  } catch (error) {
    if (!(error instanceof ApplyConflict)) throw error;
    yield;
    const allowed = allowedFields(write, current);
    if (!allowed) throw error;
    yield;
    const left = error.conflicts
      .map(({ manager, fields }) => ({ manager, fields: differenceOf(fields, allowed) }))
      .filter(({ fields }) => !isEmptySet(fields));
    if (left.length > 0) throw new ApplyConflict(left);
    return yield* applyObject(write, current, applied, true);
  }
}

/** What the annotation says kubectl applied, unless it is something else by now. */
function allowedFields(write: Write, current: KubernetesObject): FieldSet | undefined {
  const text = current.metadata.annotations?.[annotation];
  if (!text) return undefined;
  try {
    const last: unknown = JSON.parse(text);
    if (!isObject(last)) return undefined;
    const version = resourceAt(write.table, write.resource, String(last['apiVersion'] ?? ''));
    if (!version) return undefined;
    const type = mergeType(version);
    const { changed, removed } = compareFields(type, last, fromStored(version, current));
    return differenceOf(differenceOf(fieldsOf(type, last), changed), removed);
  } catch {
    // Whatever is in the annotation, it permits nothing.
    return undefined;
  }
}

function lastApplied(applied: JsonObject): string {
  const copy = copyJson(applied) as JsonObject & { metadata?: { annotations?: Record<string, unknown> } };
  if (copy.metadata?.annotations) delete copy.metadata.annotations[annotation];
  const text = JSON.stringify(copy);
  return Buffer.byteLength(text) > maxAnnotationBytes ? '' : text;
}
