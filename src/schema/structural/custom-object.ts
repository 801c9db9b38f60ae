// Custom resources as a type of the codec: metadata as every object has it, all else as the schema says.
import { canonical, decodeJson } from '../codec.ts';
import type { CustomType } from '../custom-types.ts';
import { DecodeError } from '../limits.ts';
import { fillDefaults } from './defaults.ts';
import { isJsonObject, type JsonObject, type SchemaNode } from './node.ts';
import { dropNulls, prune, UnknownFields } from './prune.ts';

const metaType = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** ObjectMeta in canonical form; unknown fields of it go to `unknown` by path. */
function metadataOf(value: unknown, path: string, unknown: UnknownFields | undefined): JsonObject {
  if (!unknown) return withoutNullTime(canonical<JsonObject>(metaType, value ?? {}));
  const { object, strictErrors } = decodeJson<JsonObject>(metaType, JSON.stringify(value ?? {}), { strict: true });
  for (const text of strictErrors) {
    const field = /^unknown field "(.*)"$/.exec(text)?.[1];
    if (field) unknown.add(`${path}.${field}`);
  }
  return withoutNullTime(object);
}

/** A definition's objects are printed without Go's struct: an absent time stays absent. */
function withoutNullTime(metadata: JsonObject): JsonObject {
  if (metadata['creationTimestamp'] === null) delete metadata['creationTimestamp'];
  return metadata;
}

/** Metadata of resources within the resource: as strict as that of the resource itself, but what is wrong is dropped. */
function cleanEmbedded(value: unknown, node: SchemaNode | undefined, isRoot: boolean): void {
  if (!node?.hasEmbedded || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) cleanEmbedded(item, node.items, false);
    return;
  }
  const object = value as JsonObject;
  if (node.isEmbedded && !isRoot) coerceEmbedded(object);
  for (const key of Object.keys(object)) {
    cleanEmbedded(
      object[key],
      node.properties.get(key) ?? (node.additional === true ? undefined : node.additional),
      false,
    );
  }
}

function coerceEmbedded(object: JsonObject): void {
  if (!('metadata' in object)) return;
  try {
    object['metadata'] = withoutNullTime(canonical<JsonObject>(metaType, object['metadata']));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    delete object['metadata'];
  }
}

/** Makes what was decoded, or read from the store, an object of this schema; in place below the root. */
export function createCustomType(node: SchemaNode): CustomType {
  return {
    canonical(tree, unknownPaths) {
      if (!isJsonObject(tree)) {
        throw new DecodeError(
          'type',
          `json: cannot unmarshal ${describe(tree)} into Go value of type map[string]interface {}`,
        );
      }
      const unknown = unknownPaths ? new UnknownFields() : undefined;
      const { apiVersion, kind, metadata, ...rest } = tree;
      prune(rest, node, true, unknown);
      dropNulls(rest, node);
      cleanEmbedded(rest, node, true);
      const meta = metadataOf(metadata, 'metadata', unknown);
      if (unknown && unknownPaths) unknownPaths.push(...unknown.paths.sort());
      return {
        ...(typeof apiVersion === 'string' ? { apiVersion } : {}),
        ...(typeof kind === 'string' ? { kind } : {}),
        metadata: meta,
        ...rest,
      };
    },
  };
}

export const applyDefaults = (object: object, node: SchemaNode): void => fillDefaults(object, node, true);

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return value === null ? 'null' : typeof value;
}
