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
import { schemaAt } from './schema-path.ts';
import { validateKeywords } from './schema-validation.ts';
import { schemasIn, whyUnreadable } from './schemas-in.ts';
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
  const unreadable = whyUnreadable(schema);
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
  if (found.isEmpty && root.isEmpty) errors.invalid(at, '', unreadable);
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

export function hasDefaults(root: JSONSchemaProps): boolean {
  for (const schema of schemasIn(root)) if (schema.default !== undefined) return true;
  return false;
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
    const found = schemaAt(schema ?? {}, jsonPath, false);
    if ('problem' in found) {
      errors.invalid(place, jsonPath, `is an invalid path: ${found.problem}`);
      return;
    }
    if (/^metadata(?:\.|$)/.test(found.printed)) {
      errors.invalid(place, jsonPath, 'must not point to fields in metadata');
    }
    if (!['string', 'boolean', 'integer'].includes(found.schema?.type ?? '')) {
      const problem =
        'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.';
      errors.invalid(place, jsonPath, problem);
    }
    if (known.has(found.printed)) errors.duplicate(place, jsonPath);
    known.add(found.printed);
  });
  if (known.size > maxSelectable) errors.tooMany(at, known.size, maxSelectable);
}
