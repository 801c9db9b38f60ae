// Which OpenAPI schemas a definition may have: upstream's rules of the keywords, place by place.
import type { JSONSchemaProps } from '../../../generated/apiextensions-v1.ts';
import { compilePattern } from '../../schema/structural/node.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { validateRules } from './schema-rules.ts';

const schemaTypes = ['array', 'boolean', 'integer', 'number', 'object', 'string'];

type Extensions = JSONSchemaProps & { readonly 'x-kubernetes-map-type'?: string };

interface Place {
  readonly isRoot: boolean;
  /** Why defaults are refused here. */
  readonly noDefaults?: string;
  /** Of an object's apiVersion, kind or metadata. */
  readonly isInMetadata?: boolean;
}

const isSchema = (value: unknown): value is JSONSchemaProps =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const metaFields = new Set(['apiVersion', 'kind', 'metadata']);

function validateUnsupported(
  schema: JSONSchemaProps,
  at: FieldPath,
  { noDefaults, isInMetadata }: Place,
  errors: FieldErrors,
): void {
  if (noDefaults && (schema.default ?? null) !== null) {
    errors.forbidden(at.child('default'), `must not be set ${noDefaults}`);
  }
  if (schema.type && schema.type !== 'null' && !schemaTypes.includes(schema.type)) {
    errors.notSupported(at.child('type'), schema.type, schemaTypes);
  }
  const refused = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;
  for (const name of refused) {
    const value: unknown = schema[name];
    const isThere =
      name === '$ref' || name === 'dependencies' || name === 'additionalItems' ? isSet(value) : !isEmpty(value);
    if (isThere) errors.forbidden(at.child(name), `${name} is not supported`);
  }
  if (schema.type === 'null')
    errors.forbidden(at.child('type'), 'type cannot be set to null, use nullable as an alternative');
  if (Array.isArray(schema.items) && schema.items.length > 0)
    errors.forbidden(at.child('items'), 'items must be a schema object and not an array');
  if (isInMetadata && schema['x-kubernetes-embedded-resource']) {
    errors.forbidden(at.child('x-kubernetes-embedded-resource'), 'must not be used inside of resource meta');
  }
}

const isSet = (value: unknown): boolean => value !== undefined && value !== null;
const isEmpty = (value: unknown): boolean =>
  !value || (typeof value === 'object' && Object.keys(value as object).length === 0);

/** Errors of a schema and of all below it. */
export function validateKeywords(schema: JSONSchemaProps, at: FieldPath, place: Place, errors: FieldErrors): void {
  const { isRoot, ...around } = place;
  const inner: Place = { ...around, isRoot: false };
  validateUnsupported(schema, at, place, errors);
  if (schema.uniqueItems) {
    const problem = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.forbidden(at.child('uniqueItems'), problem);
  }
  const { additionalProperties, properties } = schema;
  if (additionalProperties !== undefined && additionalProperties !== null) {
    if (Object.keys(properties ?? {}).length > 0 && (additionalProperties as unknown) !== true) {
      errors.forbidden(at.child('additionalProperties'), 'additionalProperties and properties are mutual exclusive');
    }
    if (isSchema(additionalProperties)) {
      const noDefaults = 'inside additionalProperties applying to object metadata';
      const below = place.isInMetadata ? { ...inner, noDefaults } : inner;
      validateKeywords(additionalProperties, at.child('additionalProperties'), below, errors);
    }
  }
  const holdsMeta = isRoot || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, child] of Object.entries(properties ?? {})) {
    const isMeta = holdsMeta && metaFields.has(name);
    const reason = isMeta && isRoot ? { noDefaults: `in top-level ${name}` } : {};
    const below = isMeta ? { ...inner, isInMetadata: true, ...reason } : inner;
    validateKeywords(child, at.child('properties').key(name), below, errors);
  }
  // Defaults in nested validation are refused by the structural rules: once is enough.
  if (schema.not) validateKeywords(schema.not, at.child('not'), inner, errors);
  for (const name of ['allOf', 'oneOf', 'anyOf'] as const) {
    for (const [index, each] of (schema[name] ?? []).entries()) {
      validateKeywords(each, at.child(name).index(index), inner, errors);
    }
  }
  for (const [name, each] of Object.entries(schema.definitions ?? {})) {
    validateKeywords(each, at.child('definitions').key(name), inner, errors);
  }
  const { items } = schema;
  if (Array.isArray(items)) {
    for (const [index, each] of items.entries()) validateKeywords(each, at.child('items').index(index), inner, errors);
  } else if (isSchema(items)) validateKeywords(items, at.child('items'), inner, errors);
  for (const [name, each] of Object.entries(schema.dependencies ?? {})) {
    if (isSchema(each)) validateKeywords(each, at.child('dependencies').key(name), inner, errors);
  }
  validateExtensions(schema, at, errors);
  validateRules(schema, at, errors);
}

function validateExtensions(schema: Extensions, at: FieldPath, errors: FieldErrors): void {
  const mapType = schema['x-kubernetes-map-type'];
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
    errors.invalid(at.child('x-kubernetes-preserve-unknown-fields'), false, 'must be true or undefined');
  }
  if (isSet(mapType)) requireType(schema, 'object', 'x-kubernetes-map-type', at, errors);
  if (isSet(mapType) && mapType !== 'atomic' && mapType !== 'granular') {
    errors.notSupported(at.child('x-kubernetes-map-type'), mapType, ['atomic', 'granular']);
  }
  if (isSet(listType)) requireType(schema, 'array', 'x-kubernetes-list-type', at, errors);
  if (listType === 'set' && schema.type === 'array') validateListSet(schema, at, errors);
  if (isSet(listType) && !['atomic', 'set', 'map'].includes(listType!)) {
    errors.notSupported(at.child('x-kubernetes-list-type'), listType, ['atomic', 'set', 'map']);
  }
  if (keys.length > 0 && listType !== 'map') {
    const problem = 'must be map if x-kubernetes-list-map-keys is non-empty';
    if (isSet(listType)) errors.invalid(at.child('x-kubernetes-list-type'), listType, problem);
    else errors.required(at.child('x-kubernetes-list-type'), problem);
  }
  if (listType === 'map') validateListMap(schema, keys, at, errors);
  if (listType === 'map' || listType === 'set') validateUniqueItems(schema, keys, at, errors);
}

function requireType(
  { type }: JSONSchemaProps,
  wanted: string,
  because: string,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (type === wanted) return;
  const problem = `must be ${wanted} if ${because} is specified`;
  if (type) errors.invalid(at.child('type'), type, problem);
  else errors.required(at.child('type'), problem);
}

function validateListMap(schema: Extensions, keys: readonly string[], at: FieldPath, errors: FieldErrors): void {
  const keysAt = at.child('x-kubernetes-list-map-keys');
  const items = at.child('items');
  if (keys.length === 0) errors.required(keysAt, 'must not be empty if x-kubernetes-list-type is map');
  if (!schema.items) {
    errors.required(items, 'must have a schema if x-kubernetes-list-type is map');
    return;
  }
  if (!isSchema(schema.items)) {
    errors.invalid(items, schema.items, 'must only have a single schema if x-kubernetes-list-type is map');
    return;
  }
  const { type, properties = {} } = schema.items;
  const scope = "if parent array's x-kubernetes-list-type is map";
  if (type !== 'object') {
    errors.invalid(items.child('type'), type ?? '', `must be object ${scope}`);
    return;
  }
  keys.forEach((key, index) => {
    if (!Object.hasOwn(properties, key)) errors.invalid(keysAt, keys, 'entries must all be names of item properties');
    else if (['array', 'object'].includes(properties[key]?.type ?? '')) {
      // Upstream quotes the item's type here.
      errors.invalid(items.child('properties').key(key).child('type'), type, `must be a scalar type ${scope}`);
    }
    if (keys.indexOf(key) < index) errors.invalid(keysAt, keys, 'must not contain duplicate entries');
  });
}

/** Items that are told apart are there, and so is what tells them apart. */
function validateUniqueItems(schema: Extensions, keys: readonly string[], at: FieldPath, errors: FieldErrors): void {
  const { items } = schema;
  const listType = schema['x-kubernetes-list-type']!;
  if (!isSchema(items)) return;
  const place = at.child('items');
  if (items.nullable) {
    errors.forbidden(place.child('nullable'), `cannot be nullable when x-kubernetes-list-type is ${listType}`);
  }
  if (listType !== 'map') return;
  for (const key of keys) {
    const property = Object.hasOwn(items.properties ?? {}, key) ? items.properties![key] : undefined;
    if (!property) continue;
    const own = place.child('properties').key(key);
    const because = 'this property is in x-kubernetes-list-map-keys, so it';
    if (!items.required?.includes(key) && !isSet(property.default)) {
      errors.required(own.child('default'), `${because} must have a default or be a required property`);
    }
    if (property.nullable) errors.forbidden(own.child('nullable'), `${because} cannot be nullable`);
  }
}

function validateListSet({ items }: Extensions, at: FieldPath, errors: FieldErrors): void {
  if (!isSchema(items)) return;
  const problem = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const inside = items as Extensions;
  // Lists are atomic without a word, maps are not; upstream quotes the list's type for both.
  const listType = inside['x-kubernetes-list-type'] ?? null;
  if (inside.type === 'array' && listType !== null && listType !== 'atomic') {
    errors.invalid(at.child('items', 'x-kubernetes-list-type'), listType, problem);
  }
  if (inside.type === 'object' && inside['x-kubernetes-map-type'] !== 'atomic') {
    errors.invalid(at.child('items', 'x-kubernetes-map-type'), listType, problem);
  }
}

export function validatePattern(pattern: string | undefined, at: FieldPath, errors: FieldErrors): void {
  if (!pattern) return;
  try {
    compilePattern(pattern);
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    errors.invalid(at.child('pattern'), pattern, `must be a valid regular expression, but isn't: ${problem}`);
  }
}
