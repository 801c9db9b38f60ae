// Lists that are sets or maps: no item twice. And resources within resources: they say what they are.
import { isJsonObject, type JsonObject, type SchemaNode } from './node.ts';
import type { SchemaError } from './schema-error.ts';
import { stableText } from './validate.ts';

export function validateLists(value: unknown, node: SchemaNode, at = '', errors: SchemaError[] = []): SchemaError[] {
  if (!node.hasListTypes || typeof value !== 'object' || value === null) return errors;
  if (Array.isArray(value)) {
    if (node.listType === 'set') checkUnique(value, at, (item) => item, errors);
    if (node.listType === 'map') checkUnique(value, at, (item) => keysOf(item, node), errors);
    if (!node.items) return errors;
    for (const [index, item] of value.entries()) validateLists(item, node.items, `${at}[${index}]`, errors);
    return errors;
  }
  for (const [key, item] of Object.entries(value as JsonObject)) {
    const child = node.properties.get(key);
    if (child) validateLists(item, child, at ? `${at}.${key}` : key, errors);
    else if (typeof node.additional === 'object') validateLists(item, node.additional, `${at}[${key}]`, errors);
  }
  return errors;
}

function keysOf(item: unknown, node: SchemaNode): unknown {
  if (!isJsonObject(item)) return undefined;
  const keys: JsonObject = {};
  for (const name of node.listMapKeys) {
    const value = item[name] ?? node.items?.properties.get(name)?.fallback;
    if (value !== undefined) keys[name] = value;
  }
  return keys;
}

function checkUnique(
  items: readonly unknown[],
  at: string,
  identity: (item: unknown) => unknown,
  errors: SchemaError[],
): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const id = identity(item);
    if (id === undefined) continue;
    const key = stableText(id);
    if (seen.has(key)) errors.push({ reason: 'duplicate', field: `${at}[${index}]`, value: id });
    seen.add(key);
  }
}

export function validateEmbedded(value: unknown, node: SchemaNode, at = '', errors: SchemaError[] = []): SchemaError[] {
  if (!node.hasEmbedded || typeof value !== 'object' || value === null) return errors;
  if (Array.isArray(value)) {
    if (!node.items) return errors;
    for (const [index, item] of value.entries()) validateEmbedded(item, node.items, `${at}[${index}]`, errors);
    return errors;
  }
  const object = value as JsonObject;
  if (node.isEmbedded && at !== '') {
    for (const name of ['apiVersion', 'kind']) {
      if (typeof object[name] !== 'string' || object[name] === '')
        errors.push({ reason: 'required', field: `${at}.${name}` });
    }
  }
  for (const [key, item] of Object.entries(object)) {
    const child = node.properties.get(key);
    if (child) validateEmbedded(item, child, at ? `${at}.${key}` : key, errors);
    else if (typeof node.additional === 'object') validateEmbedded(item, node.additional, `${at}[${key}]`, errors);
  }
  return errors;
}
