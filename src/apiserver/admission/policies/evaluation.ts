// Evaluates the expressions of a policy one after the other, within one budget.
import type { Expression } from '../../../api/admissionregistration/expressions.ts';
import { Slices } from '../../../base/turns.ts';
import type { CelBindings, CelProgram } from '../../../schema/cel/cel.ts';
import { CelError } from '../../../schema/cel/errors.ts';
import { Awaiting } from '../../../schema/cel/library/authorization.ts';
import { type CelValue, lazyObject } from '../../../schema/cel/values.ts';

/** What all expressions of one policy may cost together, for one binding and one parameter. */
export const policyBudget = 10_000_000;
export const matchConditionBudget = 2_500_000;

const outOfBudget = 'validation failed due to running out of cost budget, no further validation rules will be run';

export type Outcome =
  | { readonly value: CelValue; readonly problem?: never }
  | { readonly value?: never; readonly problem: string };

export interface GroupResult {
  /** One for each expression; undefined where there is none. */
  readonly outcomes: readonly (Outcome | undefined)[];
  readonly remaining: number;
}

/** The budget is used up: nothing of the group counts. */
export class BudgetError extends Error {
  constructor() {
    super(outOfBudget);
  }
}

export interface EvaluationInputs {
  /** `object`, `request`, `params`…; lazy ones are made once at most for one expression. */
  readonly bindings: CelBindings;
  /** What the authorizer has to be waited for, when it has. */
  readonly pending: () => Promise<unknown> | undefined;
}

/** With the policy's own variables, which are evaluated when they are first asked for. */
export interface Inputs extends EvaluationInputs {
  readonly variables: ReadonlyMap<string, Expression>;
}

const asksAuthorizer = ({ references }: CelProgram): boolean =>
  references.has('authorizer') || references.has('authorizer.requestResource');

/** @throws BudgetError */
export async function evaluateGroup(
  expressions: readonly (Expression | undefined)[],
  inputs: Inputs,
  budget: number,
): Promise<GroupResult> {
  const variables = new Variables(inputs);
  let remaining = budget;
  const outcomes: (Outcome | undefined)[] = [];
  const slices = new Slices(() => performance.now());
  for (const expression of expressions) {
    // One that costs all it may takes a tenth of a second: others have their turn before the next.
    if (slices.isDue) await slices.pause();
    const program = expression?.program;
    if (!program) {
      outcomes.push(expression && { problem: `compilation error: ${expression.problem}` });
      continue;
    }
    const waits = asksAuthorizer(program) || (program.references.has('variables') && variables.mayWait);
    const result = waits ? await program.evaluateAsync(variables.bindings) : program.evaluate(variables.bindings);
    remaining -= variables.takeCost() + result.cost;
    if (remaining < 0) throw new BudgetError();
    outcomes.push(
      result.error
        ? { problem: `expression '${expression.source}' resulted in error: ${result.error.message}` }
        : { value: result.value },
    );
  }
  return { outcomes, remaining };
}

/** Each is evaluated once for a group of expressions, and paid for by the expression that asks first. */
class Variables {
  readonly bindings: CelBindings;
  /** Whether one of them may have to wait for an authorizer. */
  readonly mayWait: boolean;
  #cost = 0;

  readonly #pending: Inputs['pending'];

  constructor({ bindings, variables, pending }: Inputs) {
    this.#pending = pending;
    this.mayWait = [...variables.values()].some(({ program }) => program !== undefined && asksAuthorizer(program));
    const fields = [...variables].map(([name, expression]) => [name, () => this.#evaluate(name, expression)] as const);
    this.bindings = { ...bindings, variables: lazyObject(Object.fromEntries(fields)) };
  }

  #evaluate(name: string, { program, problem }: Expression): CelValue | CelError {
    if (!program) return new CelError(`composited variable "${name}" fails to compile: ${problem}`);
    const result = program.evaluate(this.bindings);
    if (result.error?.kind === 'cancelled') throw new Awaiting(this.#pending() ?? Promise.resolve());
    this.#cost += result.cost;
    if (!result.error) return result.value;
    return new CelError(`composited variable "${name}" fails to evaluate: ${result.error.message}`);
  }

  takeCost(): number {
    const cost = this.#cost;
    this.#cost = 0;
    return cost;
  }
}
