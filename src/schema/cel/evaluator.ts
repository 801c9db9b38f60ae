// Turns a checked expression into functions that evaluate it, and count what that costs.
import type { Call, Expr, Fold, List, MapLiteral, Select, Struct } from './ast.ts';
import { CelError } from './errors.ts';
import { FuelSpent } from './fuel.ts';
import { functions, patchFunctions } from './functions.ts';
import { findAt, isIn, keyPrinted, noOverloadFor, noSuchOverload } from './library/operators.ts';
import type { Implementation, Overload } from './overloads.ts';
import { compileRegex } from './regex.ts';
import { callCost, sizeForCost } from './runtime-costs.ts';
import { matcherOf } from './runtime-types.ts';
import {
  ArrayList,
  CelList,
  CelMap,
  CelOptional,
  CelTypeValue,
  type CelValue,
  EntryMap,
  GrowingList,
  keyText,
  noValue,
  type Outcome,
  typeNameOf,
} from './value-types.ts';

export class Frame {
  readonly #bindings: Readonly<Record<string, Outcome | (() => Outcome)>>;
  readonly #made = new Map<string, Outcome>();
  readonly slots: (Outcome | undefined)[] = [];
  readonly limit: number;
  cost = 0;

  constructor(bindings: Readonly<Record<string, Outcome | (() => Outcome)>>, limit: number) {
    this.#bindings = bindings;
    this.limit = limit;
  }

  charge(cost: number): void {
    this.cost += cost;
    if (this.cost > this.limit) throw new FuelSpent();
  }

  variable(name: string): Outcome {
    const bound = Object.hasOwn(this.#bindings, name) ? this.#bindings[name] : undefined;
    if (typeof bound !== 'function') {
      return bound === undefined ? new CelError(`no such attribute(s): ${name}`) : bound;
    }
    const made = this.#made.get(name);
    if (made !== undefined) return made;
    const value = bound();
    this.#made.set(name, value);
    return value;
  }
}

export type Step = (frame: Frame) => Outcome;

const listCreation = 10;
const mapCreation = 30;
const structCreation = 40;

const conversionNames = new Set([
  'bool',
  'bytes',
  'double',
  'duration',
  'dyn',
  'int',
  'string',
  'timestamp',
  'type',
  'uint',
]);

class Planner {
  /** Why the expression can never be evaluated. */
  problem: string | undefined;
  readonly #scopes: string[] = [];
  readonly #planned = new Map<Expr, Step>();
  /** Values of steps that are constant. */
  readonly #constants = new Map<Step, CelValue>();

  plan(expr: Expr): Step {
    let step = this.#planned.get(expr);
    if (!step) {
      step = this.#make(expr);
      this.#planned.set(expr, step);
    }
    return step;
  }

  #make(expr: Expr): Step {
    switch (expr.kind) {
      case 'literal':
        return this.#constant(expr.value);
      case 'ident':
        return this.#variable(expr.name, expr);
      case 'select':
        return this.#select(expr);
      case 'call':
        return this.#call(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      case 'fold':
        return this.#fold(expr);
    }
  }

  #constant(value: CelValue): Step {
    const step: Step = () => value;
    this.#constants.set(step, value);
    return step;
  }

  #variable(written: string, expr: Expr): Step {
    const name = written.startsWith('.') ? written.slice(1) : written;
    const slot = name === written ? this.#scopes.lastIndexOf(name) : -1;
    if (slot >= 0) {
      return (frame) => {
        frame.charge(1);
        return frame.slots[slot]!;
      };
    }
    if (expr.type?.kind === 'type') {
      const value = new CelTypeValue(expr.type.params[0]!.name);
      return (frame) => {
        const bound = frame.variable(name);
        return bound instanceof CelError ? value : bound;
      };
    }
    return (frame) => {
      frame.charge(1);
      return frame.variable(name);
    };
  }

  /** What reading a part of something costs besides that: more where it is not a path from a variable. */
  #partCost(operand: Expr): number {
    if (operand.kind === 'ident' || operand.kind === 'select') return 1;
    const isPath = operand.kind === 'call' && ['_[_]', '_[?_]', '_?._', '_?_:_'].includes(operand.name);
    return isPath ? 1 : 2;
  }

  #select(expr: Select): Step {
    if (expr.variable !== undefined) return this.#variable(expr.variable, expr);
    const operand = this.plan(expr.operand);
    const { field } = expr;
    if (expr.isTest) {
      return (frame) => {
        const value = operand(frame);
        return value instanceof CelError ? value : hasField(value, field);
      };
    }
    const cost = this.#partCost(expr.operand);
    return (frame) => {
      const value = operand(frame);
      if (value instanceof CelError) return value;
      frame.charge(cost);
      if (value instanceof CelOptional) return optionalPart(value, field);
      return partOf(value, field);
    };
  }

  #call(expr: Call): Step {
    const all = expr.target ? [expr.target, ...expr.args] : expr.args;
    const args = all.map((arg) => this.plan(arg));
    const [first, second, third] = args as [Step, Step, Step];
    switch (expr.name) {
      case '_&&_':
        return logical(first, second, false);
      case '_||_':
        return logical(first, second, true);
      case '_?_:_':
        return (frame) => {
          const condition = first(frame);
          if (condition === true) return second(frame);
          if (condition === false) return third(frame);
          return condition instanceof CelError ? condition : noSuchOverload();
        };
      case '@not_strictly_false':
        return (frame) => {
          const value = first(frame);
          frame.charge(1);
          return value !== false;
        };
      case '_[_]':
        return this.#index(expr, first, second);
      case '_[?_]':
      case '_?._':
        return this.#optionalIndex(expr, first, second);
      case 'or':
      case 'orValue':
        return optionalOr(first, second, expr.name === 'orValue');
      case '@in':
        return this.#in(expr, first, second);
      case '_+_':
        return this.#append(expr) ?? this.#invoke(expr, args);
      default:
        return this.#invoke(expr, args);
    }
  }

  #index(expr: Call, container: Step, index: Step): Step {
    const cost = this.#partCost(expr.args[0]!);
    return (frame) => {
      const value = container(frame);
      if (value instanceof CelError) return value;
      const key = index(frame);
      if (key instanceof CelError) return key;
      frame.charge(cost);
      return value instanceof CelOptional ? optionalPart(value, key) : partOf(value, key);
    };
  }

  #optionalIndex(expr: Call, container: Step, index: Step): Step {
    const cost = this.#partCost(expr.args[0]!);
    return (frame) => {
      const value = container(frame);
      if (value instanceof CelError) return value;
      const key = index(frame);
      if (key instanceof CelError) return key;
      frame.charge(cost);
      return optionalPart(value instanceof CelOptional ? value : new CelOptional(value), key);
    };
  }

  /** Against a list of constants: looked up at once, at no cost. */
  #in(expr: Call, item: Step, container: Step): Step {
    const constant = this.#constants.get(container);
    if (constant instanceof ArrayList && expr.args[1]!.kind === 'list') {
      const keys = new Set(constant.items.map((each) => keyText(each)));
      if (!keys.has(undefined)) {
        return (frame) => {
          const value = item(frame);
          if (value instanceof CelError) return value;
          const key = keyText(value);
          return key !== undefined && keys.has(key);
        };
      }
    }
    const isList = expr.overloads!.length === 1 && expr.overloads![0]!.id === 'in_list';
    return (frame) => {
      const value = item(frame);
      if (value instanceof CelError) return value;
      const list = container(frame);
      if (list instanceof CelError) return list;
      frame.charge(isList ? sizeForCost(list) : 1);
      return isIn(value, list);
    };
  }

  /** `result + [item]` of macros: the list grows in place. */
  #append({ args }: Call): Step | undefined {
    const [list, added] = args as [Expr, Expr];
    if (list.kind !== 'ident' || !this.#scopes.includes(list.name)) return undefined;
    if (added.kind !== 'list' || added.items.length !== 1 || added.optional.size > 0) return undefined;
    const before = this.plan(list);
    const item = this.plan(added.items[0]!);
    return (frame) => {
      const grown = before(frame);
      if (grown instanceof CelError) return grown;
      const value = item(frame);
      if (value instanceof CelError) return value;
      frame.charge(listCreation + 1);
      if (grown instanceof GrowingList) return grown.with(value);
      if (grown instanceof CelList && grown.size === 0) return new GrowingList([value], 1);
      return functions.get('_+_')!.run!(grown, new ArrayList([value]));
    };
  }

  #invoke(expr: Call, args: readonly Step[]): Step {
    const called = functions.get(expr.name) ?? patchFunctions.get(expr.name)!;
    const overloads = expr.overloads!;
    const cost = callCost(expr.name, overloads.length === 1 ? overloads[0]!.id : undefined);
    const run = called.run ?? dispatch(expr.name, overloads);
    const constant = args.length === 1 && conversionNames.has(expr.name) ? this.#constants.get(args[0]!) : undefined;
    if (constant !== undefined) {
      const value = run(constant);
      if (!(value instanceof CelError)) return this.#constant(value);
      this.problem ??= value.message;
    }
    this.#checkPattern(expr, args);
    return (frame) => {
      const values: CelValue[] = [];
      for (const arg of args) {
        const value = arg(frame);
        if (value instanceof CelError) return value;
        values.push(value);
      }
      if (cost.before) frame.charge(cost.before(values));
      const result = run(...values);
      if (cost.after) frame.charge(cost.after(result));
      return result;
    };
  }

  /** Patterns that are known before have to be right before. */
  #checkPattern({ name }: Call, args: readonly Step[]): void {
    const pattern = name === 'find' || name === 'findAll' ? this.#constants.get(args[1]!) : undefined;
    const regex = typeof pattern === 'string' ? compileRegex(pattern) : undefined;
    if (regex instanceof CelError) this.problem ??= regex.message;
  }

  #list(expr: List): Step {
    const items = expr.items.map((item) => this.plan(item));
    if (expr.optional.size === 0 && items.every((item) => this.#constants.has(item))) {
      return this.#constant(new ArrayList(items.map((item) => this.#constants.get(item)!)));
    }
    return (frame) => {
      const values: CelValue[] = [];
      for (const [index, item] of items.entries()) {
        const value = item(frame);
        if (value instanceof CelError) return value;
        if (!expr.optional.has(index)) values.push(value);
        else if (!(value instanceof CelOptional)) return notOptional('optional list element', value);
        else if (value.value !== undefined) values.push(value.value);
      }
      frame.charge(listCreation);
      return new ArrayList(values);
    };
  }

  #map(expr: MapLiteral): Step {
    const entries = expr.entries.map(({ key, value, isOptional }) => ({
      key: this.plan(key),
      value: this.plan(value),
      isOptional,
    }));
    const isConstant = entries.every(
      ({ key, value, isOptional }) => !isOptional && this.#constants.has(key) && this.#constants.has(value),
    );
    const make: Step = (frame) => {
      let map: EntryMap | undefined = new EntryMap();
      for (const entry of entries) {
        const key = entry.key(frame);
        if (key instanceof CelError) return key;
        let value = entry.value(frame);
        if (value instanceof CelError) return value;
        if (entry.isOptional) {
          if (!(value instanceof CelOptional)) return notOptional(`optional entry '${keyPrinted(key)}'`, value);
          if (value.value === undefined) continue;
          value = value.value;
        }
        if (!isKey(key)) return new CelError(`unsupported key type: ${typeNameOf(key)}`);
        map = map.with(key, value);
        if (!map) return new CelError(`Failed with repeated key`);
      }
      frame.charge(mapCreation);
      return map;
    };
    const constant = isConstant ? make(new Frame({}, Infinity)) : undefined;
    return constant === undefined || constant instanceof CelError ? make : this.#constant(constant);
  }

  #struct(expr: Struct): Step {
    const fields = expr.fields.map((field) => ({ ...field, step: this.plan(field.value) }));
    const typeName = expr.type!.name;
    return (frame) => {
      const pairs: [CelValue, CelValue][] = [];
      for (const { name, step, isOptional } of fields) {
        let value = step(frame);
        if (value instanceof CelError) return value;
        if (isOptional) {
          if (!(value instanceof CelOptional)) return notOptional(`optional entry '${name}'`, value);
          if (value.value === undefined) continue;
          value = value.value;
        }
        pairs.push([name, value]);
      }
      frame.charge(structCreation);
      return EntryMap.of(pairs, typeName);
    };
  }

  #fold(expr: Fold): Step {
    const range = this.plan(expr.range);
    const init = this.plan(expr.init);
    const depth = this.#scopes.length;
    this.#scopes.push(expr.accumulator);
    if (expr.variable === '#unused') {
      const body = this.#inScope(() => this.plan(expr.result), depth);
      return bind(init, body, depth);
    }
    this.#scopes.push(expr.variable, ...(expr.variable2 === undefined ? [] : [expr.variable2]));
    const condition = this.plan(expr.condition);
    const step = this.plan(expr.step);
    this.#scopes.length = depth + 1;
    const result = this.#inScope(() => this.plan(expr.result), depth);
    const isEndless = this.#constants.get(condition) === true;
    const isTwo = expr.variable2 !== undefined;
    return (frame) => {
      const over = range(frame);
      if (over instanceof CelError) return over;
      const first = init(frame);
      const { slots } = frame;
      slots[depth] = first;
      const visit = (key: Outcome, value: Outcome): boolean => {
        slots[depth + 1] = key;
        if (isTwo) slots[depth + 2] = value;
        if (!isEndless && condition(frame) !== true) return false;
        const next = step(frame);
        slots[depth] = next;
        return !(isEndless && next instanceof CelError);
      };
      const problem = iterate(over, isTwo, visit);
      return problem ?? result(frame);
    };
  }

  #inScope(work: () => Step, depth: number): Step {
    const step = work();
    this.#scopes.length = depth;
    return step;
  }
}

function iterate(
  range: CelValue,
  isTwo: boolean,
  visit: (key: Outcome, value: Outcome) => boolean,
): CelError | undefined {
  if (range instanceof CelList) {
    for (let index = 0; index < range.size; index++) {
      const item = range.at(index);
      if (!visit(isTwo ? BigInt(index) : item, item)) return undefined;
    }
    return undefined;
  }
  if (!(range instanceof CelMap)) return new CelError(`got '${goName(range)}', expected iterable type`);
  for (const key of range.keys()) if (!visit(key, isTwo ? range.find(key)! : null)) return undefined;
  return undefined;
}

const goNames: Readonly<Record<string, string>> = { null_type: 'Null', uint: 'Uint' };

function goName(value: CelValue): string {
  const name = typeNameOf(value).split('.').at(-1)!;
  return `types.${goNames[name] ?? name[0]!.toUpperCase() + name.slice(1)}`;
}

function bind(init: Step, body: Step, slot: number): Step {
  return (frame) => {
    frame.slots[slot] = init(frame);
    return body(frame);
  };
}

const isKey = (key: CelValue): boolean => keyText(key) !== undefined;
const notOptional = (what: string, value: CelValue) =>
  new CelError(`cannot initialize ${what} from non-optional value ${keyPrinted(value)}`);

function partOf(value: CelValue, key: CelValue): Outcome {
  if (value instanceof CelMap || value instanceof CelList) {
    const found = findAt(value, key);
    if (found !== undefined) return found;
    if (value instanceof CelList) return new CelError(`index out of bounds: ${keyPrinted(key)}`);
  }
  return new CelError(`no such key: ${keyPrinted(key)}`);
}

function optionalPart({ value }: CelOptional, key: CelValue): Outcome {
  if (value === undefined) return noValue;
  if (!(value instanceof CelMap || value instanceof CelList)) {
    return value === null ? noValue : new CelError(`no such key: ${keyPrinted(key)}`);
  }
  const found = findAt(value, key);
  if (found instanceof CelError) return found;
  return found === undefined ? noValue : new CelOptional(found);
}

function hasField(value: CelValue, field: string): Outcome {
  if (value instanceof CelOptional) {
    const part = optionalPart(value, field);
    return part instanceof CelOptional ? part.value !== undefined : part;
  }
  if (!(value instanceof CelMap)) return value === null ? false : new CelError(`no such key: ${field}`);
  const found = value.find(field);
  return found instanceof CelError ? found : found !== undefined;
}

/** What the one side says decides, where it can: errors of the other do not matter then. */
function logical(left: Step, right: Step, decisive: boolean): Step {
  return (frame) => {
    const one = left(frame);
    if (one === decisive) return decisive;
    const other = right(frame);
    if (other === decisive) return decisive;
    if (typeof one === 'boolean' && typeof other === 'boolean') return !decisive;
    if (one instanceof CelError) return one;
    if (typeof one !== 'boolean') return noSuchOverload();
    return other instanceof CelError ? other : noSuchOverload();
  };
}

function optionalOr(left: Step, right: Step, unwraps: boolean): Step {
  return (frame) => {
    const one = left(frame);
    if (!(one instanceof CelOptional)) return one instanceof CelError ? one : noSuchOverload();
    if (one.value === undefined) return right(frame);
    return unwraps ? one.value : one;
  };
}

/** The first overload that takes the values. */
function dispatch(name: string, overloads: readonly Overload[]): Implementation {
  const candidates = overloads.map(({ params, run }) => ({ matches: params.map(matcherOf), run: run! }));
  if (candidates.length === 1) {
    const { matches, run } = candidates[0]!;
    return (...args) => (args.every((arg, index) => matches[index]!(arg)) ? run(...args) : noOverloadFor(name, args));
  }
  return (...args) => {
    const chosen = candidates.find(({ matches }) => args.every((arg, index) => matches[index]!(arg)));
    return chosen ? chosen.run(...args) : noOverloadFor(name, args);
  };
}

/** `problem`: a constant part of the expression can only fail. */
export function planEvaluation(expr: Expr): { readonly step: Step; readonly problem: string | undefined } {
  const planner = new Planner();
  const step = planner.plan(expr);
  return { step, problem: planner.problem };
}
