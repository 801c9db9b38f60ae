// The expressions of policies and match conditions: what they may refer to and must give, compiled the same way when
// they are checked and when they are used.
import { type CelProgram, compile } from '../../schema/cel/cel.ts';
import { admissionVariables } from '../../schema/cel/kubernetes-types.ts';
import {
  boolType,
  type CelType,
  dynType,
  isSameType,
  listType,
  mapType,
  nullType,
  objectType,
  stringType,
  typeText,
} from '../../schema/cel/types.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';

interface ExpressionUse {
  /** Types it may give; empty: any. */
  readonly returns: readonly CelType[];
  readonly hasAuthorizer: boolean;
  readonly hasPatchTypes?: boolean;
}

/** What an expression is for. */
export const uses = {
  condition: { returns: [boolType], hasAuthorizer: true },
  message: { returns: [stringType], hasAuthorizer: false },
  auditAnnotation: { returns: [stringType, nullType], hasAuthorizer: true },
  variable: { returns: [], hasAuthorizer: true },
  applyConfiguration: { returns: [objectType('Object', {})], hasAuthorizer: true, hasPatchTypes: true },
  jsonPatch: { returns: [listType(objectType('JSONPatch', {}))], hasAuthorizer: true, hasPatchTypes: true },
} as const satisfies Record<string, ExpressionUse>;

export type Expression =
  | { readonly source: string; readonly program: CelProgram; readonly problem?: never }
  | { readonly source: string; readonly program?: never; readonly problem: string };

const plainKinds = new Set<string>('bool int uint double string bytes timestamp duration null'.split(' '));

/** What is known of a variable's type to those who use it: objects are not told apart. */
function variableType(type: CelType): CelType {
  if (plainKinds.has(type.kind)) return type;
  if (type.kind === 'list') return listType(variableType(type.params[0]!));
  if (type.kind === 'map') return mapType(variableType(type.params[0]!), variableType(type.params[1]!));
  return dynType;
}

const goText = (type: CelType): string => (type.kind === 'null' ? 'null_type' : typeText(type));

function wrongType(returns: readonly CelType[], type: CelType): string {
  const wanted = returns.length === 1 ? goText(returns[0]!) : `one of [${returns.map(goText).join(' ')}]`;
  return `must evaluate to ${wanted} but got ${goText(type)}`;
}

/** Says what is wrong with it, if anything is. */
export function checkExpression({ source, problem }: Expression, at: FieldPath, errors: FieldErrors): void {
  if (problem !== undefined) errors.invalid(at, source, problem);
}

/** Compiles the expressions of one policy; its variables in their order, before what refers to them. */
export class ExpressionCompiler {
  readonly #hasParams: boolean;
  readonly #variables: Record<string, CelType> | undefined;
  /** Types of `object`, `oldObject` and `params` where they are known. */
  readonly #types: Readonly<Record<string, CelType>>;
  readonly #expressions = new Map<string, Expression>();

  constructor(has: { params: boolean; variables: boolean }, types: Readonly<Record<string, CelType>> = {}) {
    this.#hasParams = has.params;
    this.#variables = has.variables ? {} : undefined;
    this.#types = types;
  }

  /** Variables by name, in their order. */
  get variables(): ReadonlyMap<string, Expression> {
    return this.#expressions;
  }

  addVariable(name: string, source: string): Expression {
    const compiled = this.compile(source, uses.variable);
    this.#expressions.set(name, compiled);
    this.#variables![name] = compiled.program ? variableType(compiled.program.resultType) : dynType;
    return compiled;
  }

  /** Never throws; a text that is no expression of the kind comes back with its problem. */
  compile(source: string, use: ExpressionUse): Expression {
    const compiled = compile(source, {
      variables: {
        ...admissionVariables({ params: this.#hasParams, authorizer: use.hasAuthorizer }),
        ...this.#types,
        ...(this.#variables ? { variables: objectType('kubernetes.variables', { ...this.#variables }) } : {}),
      },
      hasPatchTypes: use.hasPatchTypes ?? false,
    });
    const { program } = compiled;
    if (!program) return { source, problem: compiled.problem };
    const { returns } = use;
    if (returns.length > 0 && !returns.some((type) => isSameType(type, program.resultType))) {
      return { source, problem: wrongType(returns, program.resultType) };
    }
    return { source, program };
  }
}
