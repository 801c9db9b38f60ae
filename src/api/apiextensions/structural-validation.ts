// Structural schemas: every place has a type of its own, and combinations only narrow what is described outside of them.
import type { JSONSchemaProps } from '../../../generated/apiextensions-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { FieldErrors, type FieldPath } from '../meta/field-errors.ts';
import { validatePattern } from './schema-validation.ts';

type Level = 'root' | 'item' | 'field';

const isSchema = (value: unknown): value is JSONSchemaProps =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isSet = (value: unknown): boolean => value !== undefined && value !== null;
const emptyType: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
};

/** In the order of their texts. */
export function validateStructural(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors): void {
  const found = new FieldErrors();
  validatePlace(schema, 'root', at, found);
  // Upstream looks at the combinations of the root only.
  for (const [nested, place] of nestedOf(schema, at)) checkDescribed(nested, schema, place, at, found);
  const texts = new Map(found.list.map((error) => [error, `${error.field}: ${error.body}`]));
  errors.list.push(...found.list.sort((one, other) => (texts.get(one)! < texts.get(other)! ? -1 : 1)));
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
  validateIntOrString(schema, at, errors);
  validatePattern(schema.pattern, at, errors);
  validateNestedAll(schema, at, errors);
  validateType(schema, level, at, errors);
  validateMetadata(schema, level, at, errors);
}

function validateIntOrString(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors): void {
  if (!schema['x-kubernetes-int-or-string']) return;
  for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
    if (schema[name]) errors.invalid(at.child(name), true, 'must be false if x-kubernetes-int-or-string is true');
  }
}

function validateType(schema: JSONSchemaProps, level: Level, at: FieldPath, errors: FieldErrors): void {
  const { type } = schema;
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  const preserves = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const hasExtra = isSet(schema.additionalProperties);
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
function validateMetadata(schema: JSONSchemaProps, level: Level, at: FieldPath, errors: FieldErrors): void {
  if (level !== 'root' && !schema['x-kubernetes-embedded-resource']) return;
  const fields = at.child('properties');
  for (const name of ['apiVersion', 'kind'] as const) {
    const property = schema.properties?.[name];
    if (property && property.type !== 'string') {
      errors.invalid(fields.key(name).child('type'), property.type ?? '', 'must be string');
    }
  }
  const metadata = schema.properties?.['metadata'];
  if (!metadata) return;
  if (metadata.type !== 'object')
    errors.invalid(fields.key('metadata').child('type'), metadata.type ?? '', 'must be object');
  if (level !== 'root') return;
  const { type: _type, default: _default, properties = {}, ...rest } = metadata;
  const others = Object.keys(properties).filter((name) => name !== 'name' && name !== 'generateName');
  if (others.length === 0 && Object.values(rest).every((value) => !value)) return;
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

/** The one combination that may name types: that of int-or-string, or the first of several that all must hold. */
const eitherType = [{ type: 'integer' }, { type: 'string' }];
const isEitherType = ({ anyOf }: JSONSchemaProps): boolean => isEqual(anyOf, eitherType);

function validateNestedAll(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors): void {
  const first = schema.allOf?.[0];
  for (const [nested, place] of nestedOf(schema, at)) {
    if (isEitherType(schema) && schema.anyOf!.includes(nested)) continue;
    validateNested(nested, place, errors, nested === first && isEitherType(first));
  }
}

function validateNested(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors, namesTypes = false): void {
  const refuse = (name: string, state: string) => errors.forbidden(at.child(name), `must be ${state} to be structural`);
  validatePattern(schema.pattern, at, errors);
  for (const [nested, place] of nestedOf(schema, at)) {
    if (!namesTypes || !schema.anyOf!.includes(nested)) validateNested(nested, place, errors);
  }
  if (isSchema(schema.items)) validateNested(schema.items, at.child('items'), errors);
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    validateNested(child, at.child('properties').key(name), errors);
  }
  // `false` says nothing here.
  if (schema.additionalProperties) refuse('additionalProperties', 'undefined');
  for (const name of ['description', 'type', 'title'] as const) if (schema[name]) refuse(name, 'empty');
  if (isSet(schema.default)) refuse('default', 'undefined');
  if (schema.nullable) refuse('nullable', 'false');
  for (const name of [
    'x-kubernetes-preserve-unknown-fields',
    'x-kubernetes-embedded-resource',
    'x-kubernetes-int-or-string',
  ] as const) {
    if (schema[name]) refuse(name, 'false');
  }
  if (isSet(schema['x-kubernetes-list-type'])) refuse('x-kubernetes-list-type', 'undefined');
  if (schema['x-kubernetes-list-map-keys']?.length) refuse('x-kubernetes-list-map-keys', 'empty');
  if (isSet(schema['x-kubernetes-map-type'])) refuse('x-kubernetes-map-type', 'undefined');
  if (schema['x-kubernetes-validations']?.length) refuse('x-kubernetes-validations', 'empty');
  if (schema.properties?.['metadata']) {
    errors.forbidden(at.child('properties').key('metadata'), 'must not be specified in a nested context');
  }
}

/** What a combination speaks of must be described outside of it. */
function checkDescribed(
  nested: JSONSchemaProps,
  main: JSONSchemaProps | undefined,
  at: FieldPath,
  mainAt: FieldPath,
  errors: FieldErrors,
): void {
  if (!main) {
    errors.required(mainAt, `because it is defined in ${at}`);
    return;
  }
  for (const [inner, place] of nestedOf(nested, at)) checkDescribed(inner, main, place, mainAt, errors);
  if (isSchema(nested.items)) {
    const items = isSchema(main.items) ? main.items : undefined;
    checkDescribed(nested.items, items, at.child('items'), mainAt.child('items'), errors);
  }
  for (const [name, child] of Object.entries(nested.properties ?? {})) {
    const [place, mainPlace] = [at, mainAt].map((each) => each.child('properties').key(name)) as [FieldPath, FieldPath];
    checkDescribed(child, main.properties?.[name], place, mainPlace, errors);
  }
}
