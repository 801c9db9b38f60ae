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
}

const isSchema = (value: unknown): value is JSONSchemaProps =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const metaFields = new Set(['apiVersion', 'kind', 'metadata']);

function validateUnsupported(schema: JSONSchemaProps, at: FieldPath, { noDefaults }: Place, errors: FieldErrors): void {
  if (noDefaults && (schema.default ?? null) !== null) {
    errors.forbidden(at.child('default'), `must not be set ${noDefaults}`);
  }
  if (schema.type && schema.type !== 'null' && !schemaTypes.includes(schema.type)) {
    errors.notSupported(at.child('type'), schema.type, schemaTypes);
  }
  const refused = ['id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies', '$ref'] as const;
  for (const name of refused) if (schema[name]) errors.forbidden(at.child(name), `${name} is not supported`);
  if (schema.type === 'null')
    errors.forbidden(at.child('type'), 'type cannot be set to null, use nullable as an alternative');
  if (Array.isArray(schema.items))
    errors.forbidden(at.child('items'), 'items must be a schema object and not an array');
}

/** Errors of a schema and of all below it. */
export function validateKeywords(schema: JSONSchemaProps, at: FieldPath, place: Place, errors: FieldErrors): void {
  const { noDefaults } = place;
  const inner: Place = { isRoot: false, ...(noDefaults ? { noDefaults } : {}) };
  validateUnsupported(schema, at, place, errors);
  if (schema.uniqueItems) {
    const problem = 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic';
    errors.forbidden(at.child('uniqueItems'), problem);
  }
  const { additionalProperties, properties } = schema;
  if (additionalProperties !== undefined && additionalProperties !== null) {
    if (Object.keys(properties ?? {}).length > 0 && (additionalProperties as unknown) !== false) {
      errors.forbidden(at.child('additionalProperties'), 'additionalProperties and properties are mutual exclusive');
    }
    if (isSchema(additionalProperties))
      validateKeywords(additionalProperties, at.child('additionalProperties'), inner, errors);
  }
  const holdsMeta = place.isRoot || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, child] of Object.entries(properties ?? {})) {
    const isMeta = holdsMeta && metaFields.has(name);
    const below = isMeta ? { isRoot: false, noDefaults: `in top-level ${name}` } : inner;
    validateKeywords(child, at.child('properties').key(name), below, errors);
  }
  // Defaults in nested validation are refused by the structural rules: once is enough.
  if (schema.not) validateKeywords(schema.not, at.child('not'), inner, errors);
  for (const name of ['allOf', 'anyOf', 'oneOf'] as const) {
    for (const [index, each] of (schema[name] ?? []).entries()) {
      validateKeywords(each, at.child(name).index(index), inner, errors);
    }
  }
  if (isSchema(schema.items)) validateKeywords(schema.items, at.child('items'), inner, errors);
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
  requireType(schema, 'object', mapType && 'x-kubernetes-map-type', at, errors);
  if (mapType && mapType !== 'atomic' && mapType !== 'granular') {
    errors.notSupported(at.child('x-kubernetes-map-type'), mapType, ['atomic', 'granular']);
  }
  requireType(schema, 'array', listType && 'x-kubernetes-list-type', at, errors);
  if (listType && !['atomic', 'set', 'map'].includes(listType)) {
    errors.notSupported(at.child('x-kubernetes-list-type'), listType, ['atomic', 'set', 'map']);
  }
  if (keys.length > 0 && listType !== 'map') {
    const problem = 'must be map if x-kubernetes-list-map-keys is non-empty';
    if (listType) errors.invalid(at.child('x-kubernetes-list-type'), listType, problem);
    else errors.required(at.child('x-kubernetes-list-type'), problem);
  }
  if (listType === 'map') validateListMap(schema, keys, at, errors);
  if (listType === 'set') validateListSet(schema, at, errors);
}

function requireType(
  { type }: JSONSchemaProps,
  wanted: string,
  because: string | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!because || type === wanted) return;
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
  if (type !== 'object') errors.invalid(items.child('type'), type ?? '', `must be object ${scope}`);
  if (new Set(keys).size < keys.length) errors.invalid(keysAt, keys, 'must not contain duplicate entries');
  if (keys.some((key) => !Object.hasOwn(properties, key))) {
    errors.invalid(keysAt, keys, 'entries must all be names of item properties');
    return;
  }
  for (const key of keys) {
    const keyType = properties[key]?.type;
    if (keyType !== 'array' && keyType !== 'object') continue;
    errors.invalid(items.child('properties').key(key).child('type'), keyType, `must be a scalar type ${scope}`);
  }
}

function validateListSet({ items }: Extensions, at: FieldPath, errors: FieldErrors): void {
  if (!isSchema(items)) return;
  const problem = 'must be atomic as item of a list with x-kubernetes-list-type=set';
  const inside = items as Extensions;
  for (const [type, keyword] of [
    ['array', 'x-kubernetes-list-type'],
    ['object', 'x-kubernetes-map-type'],
  ] as const) {
    if (inside.type === type && inside[keyword] !== 'atomic') {
      errors.invalid(at.child('items', keyword), inside[keyword] ?? null, problem);
    }
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
