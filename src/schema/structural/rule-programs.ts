// Validation rules of a schema, compiled.
import type { ValidationRule } from '../../../generated/apiextensions-v1.ts';
import { type CelProgram, compile } from '../cel/cel.ts';
import { type CelType, isSameType, optionalType, stringType } from '../cel/types.ts';
import type { SchemaNode } from './node.ts';
import { fieldPathOf } from './rule-paths.ts';

export interface CompiledRule {
  readonly rule: ValidationRule;
  /** Absent where it could not be compiled, or says nothing. */
  readonly program?: CelProgram;
  readonly error?: string;
  readonly usesOldSelf: boolean;
  readonly message?: CelProgram;
  readonly messageError?: string;
  /** Below the place of the rule, as errors print it. */
  readonly path: string;
}

export function compileRule(rule: ValidationRule, type: CelType, node: SchemaNode): CompiledRule {
  const none = { rule, usesOldSelf: false, path: '' };
  if (rule.rule.trim() === '') return none;
  const variables = { self: type, oldSelf: rule.optionalOldSelf === true ? optionalType(type) : type };
  const { program, problem } = compile(rule.rule, { variables });
  if (!program) return { ...none, error: problem };
  if (program.resultType.kind !== 'bool') return { ...none, error: 'cel expression must evaluate to a bool' };
  const compiled = {
    rule,
    program,
    usesOldSelf: program.references.has('oldSelf'),
    path: rule.fieldPath ? (fieldPathOf(rule.fieldPath, node) ?? '') : '',
  };
  if (!rule.messageExpression) return compiled;
  const { program: message, problem: messageProblem } = compile(rule.messageExpression, { variables });
  if (!message) return { ...compiled, messageError: `messageExpression ${messageProblem.replace(/^program /, '')}` };
  if (!isSameType(message.resultType, stringType)) {
    return { ...compiled, messageError: 'messageExpression must evaluate to a string' };
  }
  return { ...compiled, message };
}
