// Whether a policy is asked at all.
import type { MatchCondition } from '../../../../generated/admissionregistration-v1.ts';
import { type Expression, type ExpressionCompiler, uses } from '../../../api/admissionregistration/expressions.ts';
import { BudgetError, evaluateGroup, type Inputs, matchConditionBudget } from './evaluation.ts';

export type ConditionsResult =
  | { readonly matches: boolean; readonly problem?: never }
  /** Some failed, and none said no. */
  | { readonly matches?: never; readonly problem: string };

export const compileConditions = (
  conditions: readonly MatchCondition[] | undefined,
  compiler: ExpressionCompiler,
): readonly Expression[] => (conditions ?? []).map(({ expression }) => compiler.compile(expression!, uses.condition));

export async function checkConditions(conditions: readonly Expression[], inputs: Inputs): Promise<ConditionsResult> {
  if (conditions.length === 0) return { matches: true };
  try {
    const { outcomes } = await evaluateGroup(conditions, inputs, matchConditionBudget);
    if (outcomes.some((outcome) => outcome!.value === false)) return { matches: false };
    const problems = new Set(outcomes.flatMap((outcome) => outcome!.problem ?? []));
    if (problems.size === 0) return { matches: true };
    const texts = [...problems];
    return { problem: texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]` };
  } catch (error) {
    if (error instanceof BudgetError) return { problem: error.message };
    throw error;
  }
}
