// A compiled expression: evaluated any number of times, each within its limit.
import type { Expr } from './ast.ts';
import { estimateCost } from './cost-estimate.ts';
import { CelError } from './errors.ts';
import { planEvaluation } from './evaluator.ts';
import { Frame, type Step } from './frame.ts';
import { costExceeded, FuelSpent, resetSteps } from './fuel.ts';
import { Awaiting } from './library/authorization.ts';
import type { CelBindings, CelProgram, CelResult, CostEstimate, EvaluateOptions } from './program-types.ts';
import type { CelType } from './types.ts';

const defaultLimit = 1_000_000;
/** Each check costs more than a third of the limit; more rounds than this do not come of an expression. */
const maxRounds = 16;

export class Program implements CelProgram {
  readonly source: string;
  readonly resultType: CelType;
  readonly references: ReadonlySet<string>;
  readonly #expr: Expr;
  #step: Step | undefined;
  #problem: string | undefined;

  constructor(source: string, expr: Expr, references: ReadonlySet<string>) {
    this.source = source;
    this.#expr = expr;
    this.references = references;
    this.resultType = expr.type!;
  }

  evaluate(bindings: CelBindings, options: EvaluateOptions = {}): CelResult {
    try {
      return this.#run(bindings, options);
    } catch (error) {
      if (!(error instanceof Awaiting)) throw error;
      error.answer.catch(() => undefined);
      return { error: new CelError('the authorizer has to be waited for', 'cancelled'), cost: 0 };
    }
  }

  async evaluateAsync(bindings: CelBindings, options: EvaluateOptions = {}): Promise<CelResult> {
    for (let round = 0; round < maxRounds; round++) {
      try {
        return this.#run(bindings, options);
      } catch (error) {
        if (!(error instanceof Awaiting)) throw error;
        await error.answer;
      }
    }
    return { error: costExceeded(), cost: options.costLimit ?? defaultLimit };
  }

  estimateCost(root?: CelType): CostEstimate {
    return estimateCost(this.#expr, root);
  }

  /** Why it can never be evaluated; undefined: it can. */
  get problem(): string | undefined {
    this.#plan();
    return this.#problem;
  }

  #plan(): Step {
    if (!this.#step) {
      const { step, problem } = planEvaluation(this.#expr);
      this.#step = step;
      this.#problem = problem;
    }
    return this.#step;
  }

  /** @throws Awaiting */
  #run(bindings: CelBindings, { costLimit = defaultLimit }: EvaluateOptions): CelResult {
    const step = this.#plan();
    const frame = new Frame(bindings, costLimit);
    resetSteps();
    try {
      const outcome = step(frame);
      if (outcome instanceof CelError) return { error: outcome, cost: frame.cost };
      return { value: outcome, cost: frame.cost };
    } catch (error) {
      if (error instanceof FuelSpent) return { error: costExceeded(), cost: Math.max(frame.cost, costLimit) };
      if (error instanceof Awaiting) throw error;
      // A value that nobody foresaw must not take the server down: the expression has failed, and says so.
      const reason = error instanceof Error ? error.message : String(error);
      return { error: new CelError(`internal error: ${reason}`), cost: frame.cost };
    }
  }
}
