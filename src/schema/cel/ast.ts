// The syntax tree of an expression. The checker writes types and overloads onto its nodes.
import type { Overload } from './overloads.ts';
import type { CelType } from './types.ts';
import type { CelUint } from './values.ts';

export type LiteralValue = null | boolean | bigint | CelUint | number | string | Uint8Array;

interface Node {
  /** Where in the source it is said to be, in UTF-16 units; -1: nowhere. */
  readonly at: number;
  /** Set by the checker. */
  type?: CelType;
}

export interface Literal extends Node {
  readonly kind: 'literal';
  readonly value: LiteralValue;
}
export interface Ident extends Node {
  readonly kind: 'ident';
  readonly name: string;
}
export interface Select extends Node {
  readonly kind: 'select';
  readonly operand: Expr;
  readonly field: string;
  /** `has(operand.field)` */
  readonly isTest: boolean;
  /** The whole is the name of one variable, such as `authorizer.requestResource`, or of a type. */
  variable?: string;
}
export interface Call extends Node {
  readonly kind: 'call';
  name: string;
  /** Absent for functions, and once the checker found that it is part of a function's name. */
  target: Expr | undefined;
  readonly args: readonly Expr[];
  /** Those that may apply; several where types are known at run time only. */
  overloads?: readonly Overload[];
}
export interface List extends Node {
  readonly kind: 'list';
  readonly items: readonly Expr[];
  readonly optional: ReadonlySet<number>;
}
export interface MapEntry {
  readonly at: number;
  readonly key: Expr;
  readonly value: Expr;
  readonly isOptional: boolean;
}
export interface MapLiteral extends Node {
  readonly kind: 'map';
  readonly entries: readonly MapEntry[];
}
export interface StructField {
  readonly at: number;
  readonly name: string;
  readonly value: Expr;
  readonly isOptional: boolean;
}
export interface Struct extends Node {
  readonly kind: 'struct';
  readonly name: string;
  readonly fields: readonly StructField[];
}
/** What every macro becomes: a loop over a range that folds into an accumulator. */
export interface Fold extends Node {
  readonly kind: 'fold';
  readonly range: Expr;
  readonly variable: string;
  readonly variable2: string | undefined;
  readonly accumulator: string;
  readonly init: Expr;
  readonly condition: Expr;
  readonly step: Expr;
  readonly result: Expr;
}

export type Expr = Literal | Ident | Select | Call | List | MapLiteral | Struct | Fold;

/** A name with dots, where the expression is nothing but that. */
export function qualifiedName(expr: Expr): string | undefined {
  const parts: string[] = [];
  let here = expr;
  while (here.kind === 'select') {
    if (here.isTest) return undefined;
    parts.push(here.field);
    here = here.operand;
  }
  if (here.kind !== 'ident') return undefined;
  parts.push(here.name);
  return parts.reverse().join('.');
}
