// What an expression costs at least and at most, before it has ever run. Upstream decides by these figures which rules
// a definition may have, so they follow its reckoning also where that is odd.
import type { Call, Expr, Fold, Select } from './ast.ts';
import { type Argument, estimateCall } from './call-estimates.ts';
import { exactly, multiply, nothing, plus, type Range, union, unknownSize } from './cost-range.ts';
import { accumulator } from './macros.ts';
import { codePoints } from './parse-errors.ts';
import type { CelType } from './types.ts';

/** From a variable: names of fields, `@items`, `@keys`, `@values`. */
type Path = readonly string[];

interface EntrySize {
  readonly container: 'list' | 'map';
  readonly key: Range;
  readonly value: Range;
}

interface Local {
  readonly name: string;
  readonly path: Path;
  readonly size: Range | undefined;
  readonly entries: EntrySize | undefined;
}

const one = exactly(1);
const scalarKinds = new Set(['bool', 'double', 'duration', 'int', 'timestamp', 'uint']);

const isScalar = (type: CelType): boolean =>
  scalarKinds.has(type.kind) || (type.name === 'optional_type' && isScalar(type.params[0]!));

function literalSize(expr: Expr): Range | undefined {
  if (expr.kind === 'list') return exactly(expr.items.length);
  if (expr.kind === 'map') return exactly(expr.entries.length);
  if (expr.kind !== 'literal') return undefined;
  if (typeof expr.value === 'string') return exactly(codePoints(expr.value));
  return exactly(expr.value instanceof Uint8Array ? expr.value.length : 1);
}

class Estimator {
  readonly #root: CelType | undefined;
  readonly #paths = new Map<Expr, Path>();
  readonly #sizes = new Map<Expr, Range>();
  readonly #entries = new Map<Expr, EntrySize>();
  readonly #locals: Local[] = [];
  readonly #costs = new Map<Expr, Range>();

  constructor(root: CelType | undefined) {
    this.#root = root;
  }

  cost(expr: Expr): Range {
    // Some macros use one node twice.
    let cost = this.#costs.get(expr);
    if (!cost) {
      cost = this.#costOf(expr);
      this.#costs.set(expr, cost);
    }
    return cost;
  }

  #costOf(expr: Expr): Range {
    switch (expr.kind) {
      case 'literal':
        return nothing;
      case 'ident':
        this.#paths.set(expr, this.#local(expr.name)?.path ?? [expr.name]);
        return one;
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list': {
        const cost = plus(...expr.items.map((item) => this.cost(item)), exactly(10));
        this.#entries.set(expr, { container: 'list', key: one, value: this.#union(expr.items) });
        return cost;
      }
      case 'map': {
        const parts = expr.entries.flatMap(({ key, value }) => [this.cost(key), this.cost(value)]);
        const key = this.#union(expr.entries.map((entry) => entry.key));
        const value = this.#union(expr.entries.map((entry) => entry.value));
        this.#entries.set(expr, { container: 'map', key, value });
        return plus(...parts, exactly(30));
      }
      case 'struct':
        return plus(...expr.fields.map(({ value }) => this.cost(value)), exactly(40));
      case 'fold':
        return expr.variable === '#unused' ? this.#bind(expr) : this.#fold(expr);
    }
  }

  #union(exprs: readonly Expr[]): Range {
    if (exprs.length === 0) return nothing;
    return exprs.map((each) => this.#sizeOrUnknown(each)).reduce(union, { min: Infinity, max: 0 });
  }

  #local(name: string): Local | undefined {
    return this.#locals.findLast((local) => local.name === name);
  }

  #pathOf(expr: Expr): Path {
    const local = expr.kind === 'ident' ? this.#local(expr.name) : undefined;
    return local?.path ?? this.#paths.get(expr) ?? [];
  }

  /** Of what the schema says at a path: its bound. Anything that is no path from a variable counts as the root itself. */
  #declaredSize(path: Path): Range | undefined {
    if (!this.#root || path.length === 0) return undefined;
    let here: CelType = this.#root;
    for (const name of path.slice(1)) {
      const next = partOf(here, name);
      if (!next) return undefined;
      here = next;
    }
    return { min: 0, max: here.maxElements ?? 0 };
  }

  #size(expr: Expr): Range | undefined {
    const known = this.#sizes.get(expr) ?? literalSize(expr);
    if (known) return known;
    const declared = this.#declaredSize(this.#pathOf(expr));
    if (declared) {
      this.#sizes.set(expr, declared);
      return declared;
    }
    if (isScalar(expr.type!)) return one;
    return expr.kind === 'ident' ? this.#local(expr.name)?.size : undefined;
  }

  #sizeOrUnknown(expr: Expr): Range {
    return this.#size(expr) ?? unknownSize;
  }

  #entrySizes(expr: Expr): EntrySize | undefined {
    return this.#entries.get(expr) ?? (expr.kind === 'ident' ? this.#local(expr.name)?.entries : undefined);
  }

  #copySizes(to: Expr, from: Expr): void {
    const size = this.#size(from);
    if (size) this.#sizes.set(to, size);
    const entries = this.#entrySizes(from);
    if (entries) this.#entries.set(to, entries);
  }

  #select(expr: Select): Range {
    if (expr.variable !== undefined) {
      this.#paths.set(expr, [expr.variable]);
      return one;
    }
    const cost = this.cost(expr.operand);
    if (expr.isTest) return cost;
    const isPaid = ['map', 'object', 'param'].includes(expr.operand.type!.kind);
    this.#paths.set(expr, [...this.#pathOf(expr.operand), expr.field]);
    return isPaid ? plus(cost, one) : cost;
  }

  #argument(expr: Expr): Argument {
    const path = this.#pathOf(expr);
    const known = path[0] === accumulator ? [] : path;
    return this.#argumentAt(expr, expr.type!, known, this.#size(expr));
  }

  #argumentAt(expr: Expr | undefined, type: CelType, path: Path, size: Range | undefined): Argument {
    return {
      expr,
      type,
      size: size ?? this.#declaredSize(path) ?? unknownSize,
      items: () => {
        if (type.params.length === 0) return undefined;
        const itemPath = path.length > 0 ? [...path, '@items'] : [];
        return this.#argumentAt(undefined, type.params[0]!, itemPath, undefined);
      },
    };
  }

  #call(expr: Call): Range {
    if (expr.name === 'dyn' && !expr.target) {
      const cost = plus(one, this.cost(expr.args[0]!));
      this.#copySizes(expr, expr.args[0]!);
      return cost;
    }
    const argCosts = expr.args.map((arg) => this.cost(arg));
    const targetCost = expr.target ? this.cost(expr.target) : nothing;
    const overloads = expr.overloads ?? [];
    if (overloads.length === 0) return nothing;
    let cost: Range = { min: Infinity, max: 0 };
    let size: Range | undefined;
    for (const { id } of overloads) {
      const estimate = this.#callEstimate(expr, id, argCosts);
      cost = union(cost, estimate.cost);
      if (estimate.size) size = size ? union(size, estimate.size) : estimate.size;
      if (id === 'index_list' || id === 'index_map') {
        size = this.#entrySizes(expr.args[0]!)?.value;
        const step = id === 'index_list' ? '@items' : '@values';
        this.#paths.set(expr, [...this.#pathOf(expr.args[0]!), step]);
      }
      size ??= this.#size(expr);
    }
    if (size) this.#sizes.set(expr, size);
    return plus(targetCost, cost);
  }

  #callEstimate(expr: Call, overload: string, argCosts: readonly Range[]): { cost: Range; size?: Range } {
    const { args } = expr;
    if (overload === 'logical_and' || overload === 'logical_or') {
      const [left, right] = argCosts as [Range, Range];
      return { cost: { min: left.min, max: left.max + right.max } };
    }
    if (overload === 'conditional') return this.#conditional(expr, argCosts);
    if (overload === 'add_list' || overload === 'add_string' || overload === 'add_bytes')
      this.#mergeEntries(expr, args[0]!, args[1]!);
    const target = expr.target && this.#argument(expr.target);
    const estimate = estimateCall(expr.name, { overload, target, args: args.map((arg) => this.#argument(arg)) });
    return { ...estimate, cost: plus(estimate.cost, ...argCosts) };
  }

  #conditional(expr: Call, [condition, yes, no]: readonly Range[]): { cost: Range; size: Range } {
    this.#mergeEntries(expr, expr.args[1]!, expr.args[2]!);
    return {
      cost: plus(condition!, union(yes!, no!)),
      size: union(this.#sizeOrUnknown(expr.args[1]!), this.#sizeOrUnknown(expr.args[2]!)),
    };
  }

  #mergeEntries(expr: Expr, left: Expr, right: Expr): void {
    const [first, second] = [this.#entrySizes(left), this.#entrySizes(right)];
    if (!first || !second) return;
    this.#entries.set(expr, {
      container: first.container,
      key: union(first.key, second.key),
      value: union(first.value, second.value),
    });
  }

  #push(name: string, range: Expr, part: 'key' | 'value' | 'single'): void {
    const entries = this.#entrySizes(range);
    const isList = (entries?.container ?? range.type!.kind) === 'list';
    const takesValue = part === 'value' || (part === 'single' && isList);
    const steps = { key: isList ? '@indices' : '@keys', value: isList ? '@items' : '@values' };
    const path = [...this.#pathOf(range), takesValue ? steps.value : steps.key];
    this.#locals.push({ name, path, size: takesValue ? entries?.value : entries?.key, entries: undefined });
  }

  #pushBound(name: string, expr: Expr): void {
    this.#locals.push({ name, path: this.#pathOf(expr), size: this.#size(expr), entries: this.#entrySizes(expr) });
  }

  #bind(expr: Fold): Range {
    const cost = plus(this.cost(expr.range), this.cost(expr.init));
    this.#pushBound(expr.accumulator, expr.init);
    const result = this.cost(expr.result);
    this.#copySizes(expr, expr.result);
    this.#locals.pop();
    return plus(cost, result);
  }

  #fold(expr: Fold): Range {
    const before = plus(this.cost(expr.range), this.cost(expr.init));
    const depth = this.#locals.length;
    this.#pushBound(expr.accumulator, expr.init);
    if (expr.variable2 === undefined) this.#push(expr.variable, expr.range, 'single');
    else {
      this.#push(expr.variable, expr.range, 'key');
      this.#push(expr.variable2, expr.range, 'value');
    }
    const loop = plus(this.cost(expr.condition), this.cost(expr.step));
    this.#locals.length = depth + 1;
    const result = this.cost(expr.result);
    this.#locals.length = depth;
    const count = this.#sizeOrUnknown(expr.range);
    if (expr.init.kind === 'literal') this.#sizes.set(expr, literalSize(expr.init)!);
    else if (expr.init.kind === 'list' || expr.init.kind === 'map') {
      this.#sizes.set(expr, count);
      const entries = this.#entries.get(expr.step);
      if (entries) this.#entries.set(expr, entries);
    }
    return plus(before, result, multiply(count, loop));
  }
}

function partOf(type: CelType, name: string): CelType | undefined {
  if (name === '@items' || name === '@values') {
    return type.kind === 'list' || type.kind === 'map' ? type.params.at(-1) : undefined;
  }
  if (name === '@keys') return type.kind === 'map' ? type.params[0] : undefined;
  return type.kind === 'object' ? type.field?.(name)?.type : undefined;
}

/** `root`: the type whose bounds are known, that of `self`; without it all sizes are unknown. */
export const estimateCost = (expr: Expr, root?: CelType): Range => new Estimator(root).cost(expr);
