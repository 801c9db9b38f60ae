// What the root of a schema may not say: objects are never null, and with a status of its own only what leaves the status's
// schema whole.
import type { JSONSchemaProps } from '../../../generated/apiextensions-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';

/** Keywords in the order in which upstream's server holds them, and what is there without them. */
const held: readonly (readonly [goName: string, zero: unknown, keyword?: string])[] = [
  ['ID', ''],
  ['Schema', '', '$schema'],
  ['Ref', null, '$ref'],
  ['Description', ''],
  ['Type', ''],
  ['Nullable', false],
  ['Format', ''],
  ['Title', ''],
  ['Default', null],
  ['Maximum', null],
  ['ExclusiveMaximum', false],
  ['Minimum', null],
  ['ExclusiveMinimum', false],
  ['MaxLength', null],
  ['MinLength', null],
  ['Pattern', ''],
  ['MaxItems', null],
  ['MinItems', null],
  ['UniqueItems', false],
  ['MultipleOf', null],
  ['Enum', null],
  ['MaxProperties', null],
  ['MinProperties', null],
  ['Required', null],
  ['Items', null],
  ['AllOf', null],
  ['OneOf', null],
  ['AnyOf', null],
  ['Not', null],
  ['Properties', null],
  ['AdditionalProperties', null],
  ['PatternProperties', null],
  ['Dependencies', null],
  ['AdditionalItems', null],
  ['Definitions', null],
  ['ExternalDocs', null],
  ['Example', null],
  ['XPreserveUnknownFields', null, 'x-kubernetes-preserve-unknown-fields'],
  ['XEmbeddedResource', false, 'x-kubernetes-embedded-resource'],
  ['XIntOrString', false, 'x-kubernetes-int-or-string'],
  ['XListMapKeys', null, 'x-kubernetes-list-map-keys'],
  ['XListType', null, 'x-kubernetes-list-type'],
  ['XMapType', null, 'x-kubernetes-map-type'],
  ['XValidations', null, 'x-kubernetes-validations'],
];

const allowed =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations';
const allowedNames = new Set(allowed.split(' '));

const keywordOf = (goName: string) => (goName === 'ID' ? 'id' : `${goName[0]!.toLowerCase()}${goName.slice(1)}`);

/** `hasStatus`: some version that has this schema serves its status apart. */
export function validateRoot(schema: JSONSchemaProps, hasStatus: boolean, at: FieldPath, errors: FieldErrors): void {
  if (hasStatus) validateForStatus(schema as Record<string, unknown>, at, errors);
  if (schema.nullable) errors.forbidden(at.child('nullable'), 'nullable cannot be true at the root');
}

function validateForStatus(schema: Record<string, unknown>, at: FieldPath, errors: FieldErrors): void {
  const end = 'at the root of the schema if the status subresource is enabled';
  for (const [goName, zero, keyword = keywordOf(goName)] of held) {
    const value = schema[keyword];
    if ((value ?? zero) === zero) continue;
    if (goName === 'Type' && value !== 'object') {
      errors.invalid(at.child('type'), value, `only "object" is allowed as the type ${end}`);
      return;
    }
    if (!allowedNames.has(goName)) {
      const whole = Object.fromEntries(held.map(([name, none, key = keywordOf(name)]) => [name, schema[key] ?? none]));
      errors.invalid(at, whole, `only [${allowed}] fields are allowed ${end}`);
      return;
    }
  }
}
