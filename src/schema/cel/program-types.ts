// What a compiled expression is to those who use it.
import type { CelError } from './errors.ts';
import type { CelType } from './types.ts';
import type { CelValue } from './value-types.ts';

/** A variable's value, or what makes it when it is first asked for; then it is asked once an evaluation. */
export type CelBindings = Readonly<Record<string, CelValue | CelError | (() => CelValue | CelError)>>;

export interface EvaluateOptions {
  /** What one evaluation may cost; 1,000,000 where absent. */
  readonly costLimit?: number;
}

export type CelResult =
  | { readonly value: CelValue; readonly error?: never; readonly cost: number }
  | { readonly value?: never; readonly error: CelError; readonly cost: number };

export interface CostEstimate {
  readonly min: number;
  /** Infinity where nothing bounds it. */
  readonly max: number;
}

export interface CelProgram {
  readonly source: string;
  readonly resultType: CelType;
  /** The variables it refers to. */
  readonly references: ReadonlySet<string>;
  evaluate(bindings: CelBindings, options?: EvaluateOptions): CelResult;
  /** As `evaluate`, where an authorizer may have to be waited for. */
  evaluateAsync(bindings: CelBindings, options?: EvaluateOptions): Promise<CelResult>;
  /** What it costs at least and at most, given the bounds that a type carries: that of `self`. Without it nothing is bound. */
  estimateCost(root?: CelType): CostEstimate;
}
