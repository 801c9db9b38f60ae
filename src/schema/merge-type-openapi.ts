// How custom resources merge: their OpenAPI schema read as a merge type. What it does not know is deduced from values.
import {
  booleanType,
  deducedType,
  type FieldSlot,
  type ListMergeType,
  type MapMergeType,
  type MergeType,
  mergeTypeOf,
  numericType,
  stringType,
  untypedScalar,
} from './merge-type.ts';
import { isObject, type JsonObject } from './patch-error.ts';

const made = new WeakMap<object, MapMergeType>();
const metadataType = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

/** The merge type of a whole object: kind, version and metadata are as in every kind. */
export function mergeTypeOfSchema(schema: Record<string, unknown>): MapMergeType {
  let type = made.get(schema);
  if (!type) {
    type = ofObject(schema);
    made.set(schema, type);
  }
  return type;
}

function ofObject(schema: JsonObject): MapMergeType {
  const map = mapOf(schema);
  return { ...map, isAtomic: false, fields: new Map([...(map.fields ?? []), ...identity()]) };
}

function identity(): [string, FieldSlot][] {
  return [
    ['apiVersion', { element: 'f:apiVersion', type: stringType }],
    ['kind', { element: 'f:kind', type: stringType }],
    ['metadata', { element: 'f:metadata', type: mergeTypeOf(metadataType) }],
  ];
}

function typeOfSchema(schema: unknown): MergeType {
  if (!isObject(schema)) return deducedType;
  if (schema['x-kubernetes-int-or-string'] === true) return untypedScalar;
  switch (schema['type']) {
    case 'object':
      return schema['x-kubernetes-embedded-resource'] === true ? ofObject(schema) : mapOf(schema);
    case 'array':
      return listOf(schema);
    case 'string':
      return stringType;
    case 'boolean':
      return booleanType;
    case 'integer':
    case 'number':
      return numericType;
    default:
      return deducedType;
  }
}

function mapOf(schema: JsonObject): MapMergeType {
  const { properties, additionalProperties } = schema;
  const fields = isObject(properties) ? fieldsOf(properties) : undefined;
  const isFree =
    schema['x-kubernetes-preserve-unknown-fields'] === true ||
    additionalProperties === true ||
    (!fields && !additionalProperties);
  const element = isObject(additionalProperties)
    ? typeOfSchema(additionalProperties)
    : isFree
      ? deducedType
      : undefined;
  return { shape: 'map', isAtomic: schema['x-kubernetes-map-type'] === 'atomic', fields, element };
}

function fieldsOf(properties: JsonObject): Map<string, FieldSlot> {
  return new Map(
    Object.keys(properties).map((name) => [name, { element: `f:${name}`, type: typeOfSchema(properties[name]) }]),
  );
}

function listOf(schema: JsonObject): ListMergeType {
  const element = typeOfSchema(schema['items']);
  const relation = schema['x-kubernetes-list-type'];
  if (relation === 'set') return { shape: 'list', relation, keys: [], element };
  const names = schema['x-kubernetes-list-map-keys'];
  if (relation !== 'map' || !Array.isArray(names)) return { shape: 'list', relation: 'atomic', keys: [], element };
  const items = isObject(schema['items']) ? schema['items'] : {};
  const properties = isObject(items['properties']) ? items['properties'] : {};
  const keys = names.map((name: string) => {
    const property = properties[name];
    const standard = isObject(property) ? property['default'] : undefined;
    return standard === undefined ? { name } : { name, default: standard };
  });
  return { shape: 'list', relation, keys, element };
}
