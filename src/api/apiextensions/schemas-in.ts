// Walks over schemas, and what can not be walked over.
import type { JSONSchemaProps } from '../../../generated/apiextensions-v1.ts';

/** A schema and all below it. */
export function* schemasIn(root: JSONSchemaProps): Generator<JSONSchemaProps> {
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

/** Why a schema can not be structural at all. */
export function whyUnreadable(root: JSONSchemaProps): string | undefined {
  for (const schema of schemasIn(root)) {
    const keyword = unreadableKeyword(schema);
    if (keyword) return `OpenAPIV3Schema '${keyword}' is not supported`;
    if (schema['x-kubernetes-preserve-unknown-fields'] === false) {
      return "internal error: 'x-kubernetes-preserve-unknown-fields' must be true or undefined";
    }
    if (Array.isArray(schema.items) && schema.items.length > 0) {
      return "OpenAPIV3Schema 'items' must be a schema, but is an array";
    }
  }
  return undefined;
}

function unreadableKeyword(schema: JSONSchemaProps): string | undefined {
  if (schema.id) return 'id';
  if (schema.$schema) return 'schema';
  if (schema.$ref) return '$ref';
  if (hasKeys(schema.patternProperties)) return 'patternProperties';
  if (hasKeys(schema.dependencies)) return 'dependencies';
  if ((schema.additionalItems ?? null) !== null) return 'additionalItems';
  return hasKeys(schema.definitions) ? 'definitions' : undefined;
}

const hasKeys = (value: object | null | undefined): boolean => Object.keys(value ?? {}).length > 0;
