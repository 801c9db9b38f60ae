// Structural schemas: every place has a type of its own, and combinations only narrow what is described outside of them.
import type { JSONSchemaProps } from '../../../generated/apiextensions-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { validatePattern } from './schema-validation.ts';

type Level = 'root' | 'item' | 'field';

const isSchema = (value: unknown): value is JSONSchemaProps =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const emptyType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

export function validateStructural(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors): void {
  validatePlace(schema, 'root', at, errors);
  validateCompleteness(schema, schema, at, at, errors);
}

function validatePlace(schema: JSONSchemaProps, level: Level, at: FieldPath, errors: FieldErrors): void {
  const { items, properties, additionalProperties } = schema;
  if (schema.type === 'array' && !items) errors.required(at.child('items'), 'must be specified');
  if (isSchema(items)) validatePlace(items, 'item', at.child('items'), errors);
  for (const [name, child] of Object.entries(properties ?? {})) {
    validatePlace(child, 'field', at.child('properties').key(name), errors);
  }
  if (isSchema(additionalProperties))
    validatePlace(additionalProperties, 'field', at.child('additionalProperties'), errors);
  validatePattern(schema.pattern, at, errors);
  validateNestedAll(schema, at, errors);
  validateType(schema, level, at, errors);
  if (level === 'root' || schema['x-kubernetes-embedded-resource']) validateMetadata(schema, at, errors);
}

function validateType(schema: JSONSchemaProps, level: Level, at: FieldPath, errors: FieldErrors): void {
  const { type, additionalProperties } = schema;
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const hasExtra = additionalProperties !== undefined && additionalProperties !== null;
  if (isEmbedded && !preserves && Object.keys(schema.properties ?? {}).length === 0) {
    const problem =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    errors.required(at.child('properties'), problem);
  }
  if (isEmbedded && type !== 'object') {
    const problem = 'must be object if x-kubernetes-embedded-resource is true';
    if (type) errors.invalid(at.child('type'), type, problem);
    else errors.required(at.child('type'), problem);
  } else if (!type && !schema['x-kubernetes-int-or-string'] && !preserves) {
    errors.required(at.child('type'), emptyType[level]);
  }
  if (isEmbedded && hasExtra) {
    errors.forbidden(at.child('additionalProperties'), 'must not be used if x-kubernetes-embedded-resource is set');
  }
  if (level !== 'root') return;
  if (type && type !== 'object') errors.invalid(at.child('type'), type, 'must be object at the root');
  if (hasExtra) errors.forbidden(at.child('additionalProperties'), 'must not be used at the root');
}

/** The metadata of a resource is known; a schema may say a little about names. */
function validateMetadata(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors): void {
  const fields = at.child('properties');
  for (const name of ['apiVersion', 'kind'] as const) {
    const type = schema.properties?.[name]?.type;
    if (type !== undefined && type !== 'string') errors.invalid(fields.key(name).child('type'), type, 'must be string');
  }
  const metadata = schema.properties?.['metadata'];
  if (!metadata) return;
  if (metadata.type !== 'object')
    errors.invalid(fields.key('metadata').child('type'), metadata.type ?? '', 'must be object');
  const { type: _type, description: _description, properties, ...rest } = metadata;
  const others = Object.keys(properties ?? {}).filter((name) => name !== 'name' && name !== 'generateName');
  if (others.length === 0 && Object.keys(rest).length === 0) return;
  const problem = 'must not specify anything other than name and generateName, but metadata is implicitly specified';
  errors.forbidden(fields.key('metadata'), problem);
}

const combinations = ['allOf', 'anyOf', 'oneOf'] as const;

function* nestedOf(schema: JSONSchemaProps, at: FieldPath): Generator<readonly [JSONSchemaProps, FieldPath]> {
  for (const name of combinations) {
    for (const [index, each] of (schema[name] ?? []).entries()) yield [each, at.child(name).index(index)];
  }
  if (schema.not) yield [schema.not, at.child('not')];
}

/** int-or-string may name its two types in a combination. */
const isIntOrString = (schema: JSONSchemaProps, nested: JSONSchemaProps): boolean =>
  schema['x-kubernetes-int-or-string'] === true && (nested.type === 'integer' || nested.type === 'string');

function validateNestedAll(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors, outer = schema): void {
  for (const [nested, place] of nestedOf(schema, at)) validateNested(nested, place, errors, outer);
}

function validateNested(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors, outer: JSONSchemaProps): void {
  const refuse = (name: string, state: string) => errors.forbidden(at.child(name), `must be ${state} to be structural`);
  validatePattern(schema.pattern, at, errors);
  if (isSchema(schema.items)) validateNested(schema.items, at.child('items'), errors, {});
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    validateNested(child, at.child('properties').key(name), errors, {});
  }
  if (isSchema(schema.additionalProperties)) refuse('additionalProperties', 'undefined');
  for (const name of ['description', 'type', 'title'] as const) {
    if (schema[name] && !(name === 'type' && isIntOrString(outer, schema))) refuse(name, 'empty');
  }
  if ((schema.default ?? null) !== null) refuse('default', 'undefined');
  if (schema.nullable) refuse('nullable', 'false');
  for (const name of [
    'x-kubernetes-preserve-unknown-fields',
    'x-kubernetes-embedded-resource',
    'x-kubernetes-int-or-string',
  ] as const) {
    if (schema[name]) refuse(name, 'false');
  }
  if (schema['x-kubernetes-list-type']) refuse('x-kubernetes-list-type', 'undefined');
  if (schema['x-kubernetes-list-map-keys']?.length) refuse('x-kubernetes-list-map-keys', 'empty');
  if (schema['x-kubernetes-map-type']) refuse('x-kubernetes-map-type', 'undefined');
  if (schema['x-kubernetes-validations']?.length) refuse('x-kubernetes-validations', 'empty');
  if (schema.properties?.['metadata']) {
    errors.forbidden(at.child('properties').key('metadata'), 'must not be specified in a nested context');
  }
  validateNestedAll(schema, at, errors, outer);
}

/** What a combination speaks of must be described outside of it. */
function validateCompleteness(
  schema: JSONSchemaProps,
  main: JSONSchemaProps | undefined,
  at: FieldPath,
  mainAt: FieldPath,
  errors: FieldErrors,
): void {
  for (const [nested, place] of nestedOf(schema, at)) checkNested(nested, main, place, mainAt, errors);
  if (isSchema(schema.items))
    validateCompleteness(schema.items, schema.items, at.child('items'), at.child('items'), errors);
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const place = at.child('properties').key(name);
    validateCompleteness(child, child, place, place, errors);
  }
  if (!isSchema(schema.additionalProperties)) return;
  const place = at.child('additionalProperties');
  validateCompleteness(schema.additionalProperties, schema.additionalProperties, place, place, errors);
}

function checkNested(
  nested: JSONSchemaProps,
  main: JSONSchemaProps | undefined,
  at: FieldPath,
  mainAt: FieldPath,
  errors: FieldErrors,
): void {
  if (isSchema(nested.items)) {
    if (isSchema(main?.items)) checkNested(nested.items, main.items, at.child('items'), mainAt.child('items'), errors);
    else errors.required(mainAt.child('items'), `because it is defined in ${at.child('items')}`);
  }
  for (const [name, child] of Object.entries(nested.properties ?? {})) {
    const place = at.child('properties').key(name);
    const extra = main?.additionalProperties;
    const known = main?.properties?.[name] ?? (isSchema(extra) ? extra : undefined);
    const mainPlace =
      main?.properties?.[name] || !isSchema(extra)
        ? mainAt.child('properties').key(name)
        : mainAt.child('additionalProperties');
    if (known) checkNested(child, known, place, mainPlace, errors);
    else errors.required(mainPlace, `because it is defined in ${place}`);
  }
  for (const [inner, place] of nestedOf(nested, at)) checkNested(inner, main, place, mainAt, errors);
}
