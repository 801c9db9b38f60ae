// What the root of a schema may not say: objects are never null, and with a status of its own only what leaves the status's
// schema whole.
import type { JSONSchemaProps } from '../../../generated/apiextensions-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';

const allowed =
  'Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations';
const allowedNames = new Set(allowed.split(' '));

/** `hasStatus`: some version that has this schema serves its status apart. */
export function validateRoot(schema: JSONSchemaProps, hasStatus: boolean, at: FieldPath, errors: FieldErrors): void {
  if (hasStatus) validateForStatus(schema, at, errors);
  if (schema.nullable) errors.forbidden(at.child('nullable'), 'nullable cannot be true at the root');
}

function validateForStatus(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors): void {
  const end = 'at the root of the schema if the status subresource is enabled';
  const held = goForm('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps', schema);
  for (const [goName, value] of Object.entries(held as Record<string, unknown>)) {
    if (value === null || value === '' || value === false) continue;
    if (goName === 'Type' && value !== 'object') {
      errors.invalid(at.child('type'), value, `only "object" is allowed as the type ${end}`);
      return;
    }
    if (goName === 'Type' || allowedNames.has(goName)) continue;
    errors.invalid(at, held, `only [${allowed}] fields are allowed ${end}`);
    return;
  }
}
