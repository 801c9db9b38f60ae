// What the create and update rules of many kinds have in common: status is the server's, specs are counted, some fields never change.
import type { SubresourceRules } from '../kind.ts';
import { isEqual } from './equality.ts';
import type { FieldErrors, FieldPath } from './field-errors.ts';
import type { KubernetesObject } from './object.ts';

export const immutableMessage = 'field is immutable';

/** The value may not differ from the stored one. */
export function checkImmutable(errors: FieldErrors, at: FieldPath, next: unknown, current: unknown): void {
  if (!isEqual(next, current)) errors.invalid(at, next, immutableMessage);
}

/** For kinds that count generations: every object starts with 1. */
export function startGeneration(object: KubernetesObject): void {
  object.metadata.generation = 1;
}

/** Counts a change of what the object asks for: all of it but metadata and status, or the named fields. */
export function countGeneration<T extends KubernetesObject>(next: T, current: T, fields?: readonly (keyof T)[]): void {
  const keys = fields ?? specFields(next, current);
  const generation = current.metadata.generation ?? 0;
  next.metadata.generation = keys.every((key) => isEqual(next[key], current[key])) ? generation : generation + 1;
  if (next.metadata.generation === 0) delete next.metadata.generation;
}

function specFields<T extends KubernetesObject>(next: T, current: T): (keyof T)[] {
  const aside = new Set(['apiVersion', 'kind', 'metadata', 'status']);
  return [...new Set([...Object.keys(next), ...Object.keys(current)])].filter((key) => !aside.has(key)) as (keyof T)[];
}

/** Takes one field back from the stored object. */
export function keep<T extends object>(next: T, current: T, ...fields: (keyof T)[]): void {
  for (const field of fields) {
    if (current[field] === undefined) delete next[field];
    else next[field] = current[field];
  }
}

/** The usual main resource of a kind with a status subresource: writing it does not touch the status. */
export function keepStatus<T extends KubernetesObject & { status?: unknown }>(next: T, current: T): void {
  keep(next, current, 'status');
}

/** Everything but status and metadata comes from the stored object. */
export function keepSpec<T extends KubernetesObject>(next: T, current: T): void {
  keep(next, current, ...specFields(next, current));
}

/** Metadata that a status writer of some kinds may not touch either. */
export function keepMetadata(next: KubernetesObject, current: KubernetesObject): void {
  keep(
    next.metadata,
    current.metadata,
    'deletionTimestamp',
    'generation',
    'labels',
    'annotations',
    'finalizers',
    'ownerReferences',
  );
}

/** The usual `status` subresource. */
export function statusRules<T extends KubernetesObject>(
  rules: { keepsMetadata?: boolean; validateUpdate?: NonNullable<SubresourceRules<T>['validateUpdate']> } = {},
): SubresourceRules<T> {
  return {
    prepareForUpdate(next, current) {
      keepSpec(next, current);
      if (rules.keepsMetadata) keepMetadata(next, current);
      // Writing a status is not a new generation.
      keep(next.metadata, current.metadata, 'generation');
    },
    ...(rules.validateUpdate ? { validateUpdate: rules.validateUpdate } : {}),
  };
}

/** `prepareForUpdate` of kinds with spec and status. */
export function keepStatusAndCount<T extends KubernetesObject & { status?: unknown }>(next: T, current: T): void {
  keepStatus(next, current);
  countGeneration(next, current);
}

/** `prepareForCreate` of kinds with spec and status. */
export function startWithStatus(object: KubernetesObject & { status?: object }, status: object = {}): void {
  object.status = status;
  startGeneration(object);
}
