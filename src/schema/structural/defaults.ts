// Fills in a schema's defaults, in place.
import { copyJson } from '../copy-json.ts';
import { isJsonObject, isMetaField, type SchemaNode, setKey } from './node.ts';

export function fillDefaults(value: unknown, node: SchemaNode, isRoot = false): void {
  if (!node.hasDefaults) return;
  if (Array.isArray(value)) {
    if (node.items) for (const item of value) fillDefaults(item, node.items);
    return;
  }
  if (!isJsonObject(value)) return;
  for (const [name, child] of node.properties) {
    if (!child.hasDefaults || (isRoot && isMetaField(name))) continue;
    if (!Object.hasOwn(value, name)) {
      if (child.fallback === undefined) continue;
      setKey(value, name, copyJson(child.fallback));
    }
    fillDefaults(value[name], child);
  }
  if (typeof node.additional !== 'object' || !node.additional.hasDefaults) return;
  for (const key of Object.keys(value)) {
    if (!node.properties.has(key) && !(isRoot && isMetaField(key))) fillDefaults(value[key], node.additional);
  }
}
