// Expressions that select devices.
import { type CelProgram, compile } from '../../schema/cel/cel.ts';
import { deviceType } from '../../schema/cel/kubernetes-types.ts';
import { typeText } from '../../schema/cel/types.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { required } from '../meta/value-validation.ts';
import { validateEach } from './device-names.ts';

const maxLength = 10 * 1024;
const maxSelectors = 32;
/** What one selector may cost, for one device. */
export const selectorCostLimit = 1_000_000;

export type Selector = { readonly program: CelProgram } | { readonly problem: string };

/** Gives true or false, or an attribute that may be either. */
export function compileSelector(expression: string): Selector {
  const { program, problem } = compile(expression, { variables: { device: deviceType }, hasBind: true });
  if (!program) return { problem: expression ? problem : problem.split('\n')[0]! };
  const { resultType } = program;
  if (resultType.kind === 'bool' || resultType.name === 'any') return { program };
  return { problem: `must evaluate to bool or the unknown type, not ${typeText(resultType)}` };
}

interface DeviceSelector {
  readonly cel?: { readonly expression: string };
}

export function validateSelectors(
  selectors: readonly DeviceSelector[] | null | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  validateEach(selectors, maxSelectors, at, errors, ({ cel }, selector) => {
    const place = selector.child('cel');
    if (!required(cel, place, errors)) return;
    validateExpression(cel!.expression ?? '', place.child('expression'), errors);
  });
}

function validateExpression(expression: string, at: FieldPath, errors: FieldErrors): void {
  if (Buffer.byteLength(expression) > maxLength) {
    errors.tooLong(at, maxLength);
    return;
  }
  const selector = compileSelector(expression);
  if ('problem' in selector) errors.invalid(at, expression, selector.problem);
  else if (selector.program.estimateCost(deviceType).max > selectorCostLimit) {
    errors.forbidden(at, 'too complex, exceeds cost limit');
  }
}
