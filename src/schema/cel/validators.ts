// Checks of a checked expression that types do not see: literals that could never be read.
import type { Call, Expr } from './ast.ts';
import { CelError } from './errors.ts';
import { functions } from './functions.ts';
import { checkFormat } from './library/string-format.ts';
import type { Issues } from './parse-errors.ts';
import { compileRegex } from './regex.ts';
import { type CelType, dynType, isDynamic, isOptional, typeText } from './types.ts';

function childrenOf(expr: Expr): readonly Expr[] {
  switch (expr.kind) {
    case 'select':
      return [expr.operand];
    case 'call':
      return expr.target ? [expr.target, ...expr.args] : expr.args;
    case 'list':
      return expr.items;
    case 'map':
      return expr.entries.flatMap(({ key, value }) => [key, value]);
    case 'struct':
      return expr.fields.map(({ value }) => value);
    case 'fold':
      return [expr.range, expr.init, expr.condition, expr.step, expr.result];
    default:
      return [];
  }
}

/** Types of literals' members must be alike; dyn is like any other type only where it is all dyn. */
function isAlike(one: CelType, other: CelType): boolean {
  if (isDynamic(one) && isDynamic(other)) return true;
  if (one.kind !== other.kind || one.name !== other.name || one.params.length !== other.params.length) return false;
  return one.params.every((param, index) => isAlike(param, other.params[index]!));
}

/** Three texts stand for numbers. */
const formattedType = (expr: Expr): CelType =>
  expr.kind === 'literal' && ['NaN', 'Infinity', '-Infinity'].includes(expr.value as string) ? dynType : expr.type!;

class Validator {
  readonly #issues: Issues;
  readonly #seen = new Set<Expr>();

  constructor(issues: Issues) {
    this.#issues = issues;
  }

  /** `isFormatted`: within a call of `format`, whose lists may be mixed. */
  visit(expr: Expr, isFormatted = false): void {
    if (this.#seen.has(expr)) return;
    this.#seen.add(expr);
    let formatted = isFormatted;
    if (expr.kind === 'call') {
      this.#call(expr);
      formatted ||= expr.name === 'format';
    } else if (!isFormatted) this.#aggregate(expr);
    for (const child of childrenOf(expr)) this.visit(child, formatted);
  }

  #call(expr: Call): void {
    const { name, args } = expr;
    if (name === 'duration' || name === 'timestamp') this.#literal(args[0], name);
    else if (name === 'matches' && args.length > 0) this.#pattern(args[0]!);
    else if (name === 'format') this.#format(expr);
  }

  #literal(arg: Expr | undefined, name: string): void {
    if (arg?.kind !== 'literal') return;
    if (typeof arg.value !== 'string') {
      if (name === 'duration') this.#issues.add(arg.at, 'invalid duration argument');
      return;
    }
    const read = functions.get(name)!.overloads.find(({ id }) => id === `string_to_${name}`)!;
    if (read.run!(arg.value) instanceof CelError) this.#issues.add(arg.at, `invalid ${name} argument`);
  }

  #pattern(arg: Expr): void {
    if (arg.kind !== 'literal' || typeof arg.value !== 'string') return;
    if (compileRegex(arg.value) instanceof CelError) this.#issues.add(arg.at, 'invalid matches argument');
  }

  #format({ target, args, at }: Call): void {
    const list = args[0];
    if (target?.kind !== 'literal' || typeof target.value !== 'string' || list?.kind !== 'list') return;
    const checked = checkFormat(target.value, list.items.length, (index) => formattedType(list.items[index]!));
    if ('error' in checked) this.#issues.add(list.items[checked.index]?.at ?? at, checked.error);
    else if (list.items.length > checked.wanted) {
      this.#issues.add(
        at,
        `too many arguments supplied to string.format (expected ${checked.wanted}, got ${list.items.length})`,
      );
    }
  }

  #aggregate(expr: Expr): void {
    if (expr.kind === 'list') {
      this.#alike(expr.items.map((item, index) => ({ expr: item, isOptional: expr.optional.has(index) })));
    } else if (expr.kind === 'map') {
      this.#alike(expr.entries.map(({ key }) => ({ expr: key, isOptional: false })));
      this.#alike(
        expr.entries.map(({ value, isOptional: isOptionalEntry }) => ({ expr: value, isOptional: isOptionalEntry })),
      );
    }
  }

  #alike(members: readonly { expr: Expr; isOptional: boolean }[]): void {
    let first: CelType | undefined;
    for (const { expr, isOptional: isOptionalMember } of members) {
      const type = isOptionalMember && isOptional(expr.type!) ? expr.type!.params[0]! : expr.type!;
      first ??= type;
      if (isAlike(first, type)) continue;
      this.#issues.add(expr.at, `expected type '${typeText(first)}' but found '${typeText(type)}'`);
      return;
    }
  }
}

export const validate = (expr: Expr, issues: Issues): void => new Validator(issues).visit(expr);
