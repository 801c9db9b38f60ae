// The apply configuration of a mutation: merged into the object as a server-side apply would, owning nothing.
import type { KubernetesObject } from '../../../api/meta/object.ts';
import { mergeObjects } from '../../../schema/merge-objects.ts';
import type { MapMergeType, MergeType } from '../../../schema/merge-type.ts';
import { isObject, type JsonObject } from '../../../schema/patch-error.ts';
import { typedProblems } from '../../../schema/validate-typed.ts';

/** The mutation cannot be made of what its expression gave; the message is the refusal's. */
export class MutationError extends Error {}

/** Paths of what merges as a whole. Recursion is bounded by the depth of the expression that made the value. */
function atomicsIn(type: MergeType, value: unknown, path: string): string[] {
  if (isObject(value)) return atomicsInMap(type, value, path);
  if (Array.isArray(value)) return atomicsInList(type, value, path);
  return [];
}

function atomicsInMap(type: MergeType, value: JsonObject, path: string): string[] {
  if (type.shape === 'any') return [path];
  if (type.shape !== 'map') return [];
  const found = type.isAtomic ? [path] : [];
  for (const key of Object.keys(value).sort()) {
    const field = type.fields?.get(key);
    if (field) found.push(...atomicsIn(field.type, value[key], `${path}.${key}`));
  }
  return found;
}

function atomicsInList(type: MergeType, value: readonly unknown[], path: string): string[] {
  if (type.shape === 'any' || type.shape === 'deduced') return [path];
  if (type.shape !== 'list') return [];
  const found = type.relation === 'atomic' ? [path] : [];
  for (const [index, item] of value.entries()) found.push(...atomicsIn(type.element, item, `${path}[${index}]`));
  return found;
}

/**
 * `object` with what the configuration says; neither is changed. What merges as a whole may not be in it: that would
 * remove what it does not name. @throws MutationError
 */
export function applyConfiguration(
  type: MapMergeType,
  object: KubernetesObject,
  configuration: JsonObject,
): JsonObject {
  const { apiVersion, kind } = object;
  const applied = { ...configuration, apiVersion, kind };
  const problems = typedProblems(type, applied);
  if (problems !== undefined) {
    throw new MutationError(`error applying patch: failed to convert patch object to typed object: ${problems}`);
  }
  const atomics = atomicsIn(type, applied, '');
  if (atomics.length > 0) {
    const what = `may not mutate atomic arrays, maps or structs: ${atomics.join(', ')}`;
    throw new MutationError(`error applying patch: invalid ApplyConfiguration: ${what}`);
  }
  return mergeObjects(type, object, applied);
}
