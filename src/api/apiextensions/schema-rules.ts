// CEL rules in a schema, as far as their form goes. Their expressions are compiled elsewhere.
import type { JSONSchemaProps, ValidationRule } from '../../../generated/apiextensions-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { schemaAt } from './schema-path.ts';
import { whyUnreadable } from './schemas-in.ts';

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];
const hasLineBreak = (text: string) => /[\n\r]/.test(text);

export function validateRules(schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors): void {
  schema['x-kubernetes-validations']?.forEach((rule, index) => {
    validateRule(rule, schema, at.child('x-kubernetes-validations').index(index), errors);
  });
}

function validateRule(rule: ValidationRule, schema: JSONSchemaProps, at: FieldPath, errors: FieldErrors): void {
  const { message = '', messageExpression = '', reason, fieldPath } = rule;
  const text = message.trim();
  if (rule.rule.trim() === '') errors.required(at.child('rule'), 'rule is not specified');
  else if (message !== '' && text === '')
    errors.invalid(at.child('message'), message, 'must be non-empty if specified');
  else if (hasLineBreak(text)) errors.invalid(at.child('message'), message, 'must not contain line breaks');
  else if (hasLineBreak(rule.rule.trim()) && text === '') {
    errors.required(at.child('message'), 'message must be specified if rule contains line breaks');
  }
  if (messageExpression !== '' && messageExpression.trim() === '') {
    errors.required(at.child('messageExpression'), 'messageExpression must be non-empty if specified');
  }
  if (reason && !reasons.includes(reason)) errors.notSupported(at.child('reason'), reason, reasons);
  if (fieldPath && fieldPath.trim() === '') {
    errors.invalid(at.child('fieldPath'), fieldPath, 'must be non-empty if specified');
  }
  if (fieldPath && hasLineBreak(fieldPath)) {
    errors.invalid(at.child('fieldPath'), fieldPath, 'must not contain line breaks');
  }
  if (fieldPath && 'problem' in schemaAt(schema, fieldPath) && !whyUnreadable(schema))
    errors.invalid(at.child('fieldPath'), fieldPath, 'must be a valid path');
}
