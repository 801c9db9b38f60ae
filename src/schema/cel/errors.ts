// What can go wrong: issues when an expression is compiled, one error when it is evaluated.

export interface CelIssue {
  readonly message: string;
  /** From 1. */
  readonly line: number;
  /** From 0, in code points; -1: no place. */
  readonly column: number;
}

export type CelErrorKind =
  /** The expression's own: division by zero, no such key, … */
  | 'evaluation'
  /** One evaluation cost more than its limit. */
  | 'cost'
  /** Evaluation was interrupted. */
  | 'cancelled';

/** The result of an evaluation that failed; a value within the evaluator, since `||` and `&&` may absorb it. */
export class CelError {
  readonly message: string;
  readonly kind: CelErrorKind;

  constructor(message: string, kind: CelErrorKind = 'evaluation') {
    this.message = message;
    this.kind = kind;
  }
}
