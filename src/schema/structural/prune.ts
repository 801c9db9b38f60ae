// Drops what a schema does not describe, in place, and says what that was.
import { isJsonObject, isMetaField, type JsonObject, type SchemaNode } from './node.ts';

/** Paths of fields that were dropped, until there are too many to tell anyone. */
export class UnknownFields {
  readonly paths: string[] = [];

  add(path: string): void {
    if (this.paths.length < maxPaths) this.paths.push(path);
  }
}

const maxPaths = 1000;
const childPath = (path: string, key: string) => (path ? `${path}.${key}` : key);

interface Place {
  readonly path: string;
  /** The root of a resource, whose metadata others look after. */
  readonly isRoot: boolean;
}

/** `unknown` gathers what was dropped; absent: nobody wants to know, and no paths are built. */
export function prune(value: unknown, node: SchemaNode, isRoot: boolean, unknown?: UnknownFields): void {
  pruneValue(value, node, false, { path: '', isRoot }, unknown);
}

function pruneValue(
  value: unknown,
  node: SchemaNode | undefined,
  keeps: boolean,
  place: Place,
  unknown: UnknownFields | undefined,
): void {
  if (typeof value !== 'object' || value === null) return;
  const keepsHere = keeps || node?.preserves === true;
  if (Array.isArray(value)) {
    const items = node?.items;
    if (!items && keepsHere) return;
    for (let index = 0; index < value.length; index++) {
      const path = unknown ? `${place.path}[${index}]` : '';
      pruneValue(value[index], items, keepsHere, { path, isRoot: items?.isEmbedded === true }, unknown);
    }
    return;
  }
  pruneObject(value as JsonObject, node, keepsHere, place, unknown);
}

function pruneObject(
  object: JsonObject,
  node: SchemaNode | undefined,
  keeps: boolean,
  { path, isRoot }: Place,
  unknown: UnknownFields | undefined,
): void {
  for (const key of Object.keys(object)) {
    if (isRoot && isMetaField(key)) continue;
    const at = unknown ? childPath(path, key) : '';
    const property = node?.properties.get(key);
    // Below a field that keeps everything, a described field is pruned again: upstream's rule.
    if (property) pruneValue(object[key], property, false, { path: at, isRoot: property.isEmbedded }, unknown);
    else if (node?.additional) {
      const value = node.additional === true ? undefined : node.additional;
      pruneValue(object[key], value, keeps && !value, { path: at, isRoot: value?.isEmbedded === true }, unknown);
    } else if (!keeps) {
      delete object[key];
      unknown?.add(at);
    }
  }
}

/** Nulls where the schema allows none are as if absent, so that a default can take their place. In place. */
export function dropNulls(value: unknown, node: SchemaNode | undefined): void {
  if (!node || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    if (node.items) for (const item of value) dropNulls(item, node.items);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const key of Object.keys(value)) {
    const child = node.properties.get(key) ?? (node.additional === true ? undefined : node.additional);
    if (!child) continue;
    if (value[key] === null && !child.nullable && node.properties.has(key)) delete value[key];
    else dropNulls(value[key], child);
  }
}
