// What one version of a definition serves: its schema, scale, columns and selectable fields.
import type {
  CustomResourceColumnDefinition,
  CustomResourceSubresourceScale,
  JSONSchemaProps,
  SelectableField,
} from '../../../generated/apiextensions-v1.ts';
import { FieldErrors, type FieldPath } from '../meta/field-errors.ts';
import { validateDefaults } from './default-validation.ts';
import { validateRoot } from './root-validation.ts';
import { validateExpressions } from './rule-expressions.ts';
import { findPath } from './schema-rules.ts';
import { validateKeywords } from './schema-validation.ts';
import { validateStructural } from './structural-validation.ts';

/** Deeper schemas than this are nobody's, and would cost the walks below their stack. */
const maxSchemaDepth = 200;

export function validateSchema(schema: JSONSchemaProps, hasStatus: boolean, at: FieldPath, errors: FieldErrors): void {
  if (isTooDeep(schema)) {
    errors.invalid(at, '', `must not be nested more than ${maxSchemaDepth} levels deep`);
    return;
  }
  const root = new FieldErrors();
  validateRoot(schema, hasStatus, at, root);
  errors.append(root);
  const found = new FieldErrors();
  validateKeywords(schema, at, { isRoot: true }, found);
  const unreadable = unreadableKeyword(schema);
  if (!unreadable) {
    const structural = new FieldErrors();
    validateStructural(schema, at, structural);
    if (structural.isEmpty) validateDefaults(schema, at, structural);
    const expressions = new FieldErrors();
    if (structural.isEmpty) validateExpressions(schema, at, found, expressions);
    errors.append(structural);
    errors.append(found);
    errors.append(expressions);
    return;
  }
  errors.append(found);
  if (found.isEmpty && root.isEmpty) errors.invalid(at, '', `OpenAPIV3Schema '${unreadable}' is not supported`);
}

function isTooDeep(schema: JSONSchemaProps): boolean {
  let level: object[] = [schema];
  // A level of schemas is two of objects: the schema and the keyword that holds it.
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > 2 * maxSchemaDepth) return true;
    level = level.flatMap((each) => Object.values(each).filter((value) => typeof value === 'object' && value !== null));
  }
  return false;
}

function* schemasIn(root: JSONSchemaProps): Generator<JSONSchemaProps> {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const schema = pending.pop() as JSONSchemaProps;
    if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) continue;
    yield schema;
    pending.push(
      schema.items,
      schema.additionalProperties,
      schema.not,
      ...Object.values(schema.properties ?? {}),
      ...(schema.allOf ?? []),
      ...(schema.anyOf ?? []),
      ...(schema.oneOf ?? []),
    );
  }
}

export function hasDefaults(root: JSONSchemaProps): boolean {
  for (const schema of schemasIn(root)) if (schema.default !== undefined) return true;
  return false;
}

/** Keywords with which a schema cannot be structural at all. */
function unreadableKeyword(root: JSONSchemaProps): string | undefined {
  for (const schema of schemasIn(root)) {
    if (schema.$ref) return '$ref';
    if (schema.id) return 'id';
    if (schema.$schema) return 'schema';
    if (Array.isArray(schema.items)) return 'items';
    for (const name of ['patternProperties', 'definitions', 'dependencies', 'additionalItems'] as const) {
      if (schema[name]) return name;
    }
  }
  return undefined;
}

export function validateScale(scale: CustomResourceSubresourceScale, at: FieldPath, errors: FieldErrors): void {
  const check = (name: keyof CustomResourceSubresourceScale, roots: readonly string[], where: string) => {
    const place = at.child(name);
    const value = scale[name] ?? '';
    if (value === '') {
      if (name !== 'labelSelectorPath') errors.required(place);
      return;
    }
    if (!value.startsWith('.')) errors.invalid(place, value, 'must be a simple json path starting with .');
    else if (!roots.some((root) => value.startsWith(`${root}.`))) {
      errors.invalid(place, value, `should be a json path under ${where}`);
    }
  };
  check('specReplicasPath', ['.spec'], '.spec');
  check('statusReplicasPath', ['.status'], '.status');
  check('labelSelectorPath', ['.spec', '.status'], 'either .spec or .status');
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = ['byte', 'date', 'date-time', 'double', 'float', 'int32', 'int64', 'password'];

export function validateColumn(column: CustomResourceColumnDefinition, at: FieldPath, errors: FieldErrors): void {
  const { name, type, format, jsonPath } = column;
  if (!name) errors.required(at.child('name'));
  if (!type) errors.required(at.child('type'), `must be one of ${columnTypes.join(',')}`);
  else if (!columnTypes.includes(type))
    errors.invalid(at.child('type'), type, `must be one of ${columnTypes.join(',')}`);
  if (format && !columnFormats.includes(format)) {
    errors.invalid(at.child('format'), format, `must be one of ${columnFormats.join(',')}`);
  }
  const place = at.child('JSONPath');
  if (!jsonPath) errors.required(place);
  else if (!jsonPath.startsWith('.')) errors.invalid(place, jsonPath, 'must be a simple json path starting with .');
}

const maxSelectable = 8;

export function validateSelectable(
  fields: readonly SelectableField[],
  schema: JSONSchemaProps | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const known = new Set<string>();
  fields.forEach(({ jsonPath }, index) => {
    const place = at.index(index).child('jsonPath');
    if (!jsonPath) {
      errors.required(place);
      return;
    }
    const problem = selectableProblem(jsonPath, schema);
    if (problem) errors.invalid(place, jsonPath, problem);
    else if (known.has(jsonPath)) errors.duplicate(place, jsonPath);
    known.add(jsonPath);
  });
  if (fields.length > maxSelectable && errors.isEmpty) errors.tooMany(at, fields.length, maxSelectable);
}

function selectableProblem(jsonPath: string, schema: JSONSchemaProps | undefined): string | undefined {
  if (!/^[.[]/.test(jsonPath)) return `is an invalid path: expected [ or . but got: ${/^[^.[]+/.exec(jsonPath)![0]}`;
  const isMeta = /^\.metadata(\.|$)/.test(jsonPath);
  const field = schema && !isMeta ? findPath(schema, jsonPath) : undefined;
  if (!field) return 'is an invalid path: does not refer to a valid field';
  if (['string', 'boolean', 'integer'].includes(field.type ?? '')) return undefined;
  return 'must point to a field of type boolean, integer, or string. Enum string fields and strings with formats are allowed';
}
