// Defaults in a schema must satisfy the schema.
import type { JSONSchemaProps } from '../../../generated/apiextensions-v1.ts';
import { type SchemaNode, toNode } from '../../schema/structural/node.ts';
import { prune, UnknownFields } from '../../schema/structural/prune.ts';
import { evaluateRules } from '../../schema/structural/rules.ts';
import { validateValue } from '../../schema/structural/validate.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { addSchemaErrors } from '../meta/schema-errors.ts';

export function validateDefaults(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors): void {
  if (hasDefault(schema)) validatePlace(toNode(schema), at, true, errors);
}

const hasDefault = (schema: JSONSchemaProps): boolean => toNode(schema).hasDefaults;

function validatePlace(node: SchemaNode, at: FieldPath, isRoot: boolean, errors: FieldErrors): void {
  if (!node.hasDefaults) return;
  if (node.fallback !== undefined && !isRoot) validateDefault(node, at.child('default'), errors);
  if (node.items) validatePlace(node.items, at.child('items'), false, errors);
  for (const [name, child] of node.properties) validatePlace(child, at.child('properties').key(name), false, errors);
  if (typeof node.additional === 'object')
    validatePlace(node.additional, at.child('additionalProperties'), false, errors);
}

function validateDefault(node: SchemaNode, at: FieldPath, errors: FieldErrors): void {
  const value = structuredClone(node.fallback);
  const unknown = new UnknownFields();
  prune(value, node, node.isEmbedded, unknown);
  if (unknown.paths.length > 0) {
    errors.invalid(at, node.fallback, 'must not have unknown fields');
    return;
  }
  const found = validateValue(node.fallback, node);
  addSchemaErrors(found.length > 0 ? found : evaluateRules(node.fallback, node).errors, errors, at);
}
