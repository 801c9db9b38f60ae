// Turns a checked expression into functions that evaluate it, and count what that costs.

import { hasField, isKey, logical, notOptional, optionalOr, optionalPart, partOf } from './access.ts';
import type { Call, Expr, Fold, List, MapLiteral, Select, Struct } from './ast.ts';
import { dispatch } from './dispatch.ts';
import { CelError } from './errors.ts';
import { Frame, type Step } from './frame.ts';
import { takeStep } from './fuel.ts';
import { functions, patchFunctions } from './functions.ts';
import { isIn, keyPrinted, noSuchOverload } from './library/operators.ts';
import { compileRegex } from './regex.ts';
import { callCost, sizeForCost } from './runtime-costs.ts';
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
  type Outcome,
  typeNameOf,
} from './value-types.ts';

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

/** Reading one of these is part of reading what it leads to, and not paid twice. */
const isPath = (expr: Expr): boolean =>
  expr.kind === 'ident' ||
  (expr.kind === 'select' && !expr.isTest) ||
  (expr.kind === 'call' && ['_[_]', '_[?_]', '_?._'].includes(expr.name));

/** Of an optional: nothing is paid for what is not there. */
function optionalAt(frame: Frame, optional: CelOptional, key: CelValue, cost: number): Outcome {
  const part = optionalPart(optional, key);
  if (!(part instanceof CelOptional) || part.value !== undefined) frame.charge(cost);
  return part;
}

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
    return isPath(operand) || (operand.kind === 'call' && operand.name === '_?_:_') ? 1 : 2;
  }

  #select(expr: Select): Step {
    if (expr.variable !== undefined) return this.#variable(expr.variable, expr);
    const operand = this.plan(expr.operand);
    const { field } = expr;
    const cost = this.#partCost(expr.operand);
    if (expr.isTest) {
      return (frame) => {
        const value = operand(frame);
        frame.charge(cost - 1);
        return value instanceof CelError ? value : hasField(value, field);
      };
    }
    return (frame) => {
      const value = operand(frame);
      if (value instanceof CelError) return value;
      if (value instanceof CelOptional) return optionalAt(frame, value, field, cost);
      frame.charge(cost);
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
        return this.#conditional(expr, first, second, third);
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

  #conditional(expr: Call, condition: Step, yes: Step, no: Step): Step {
    const [yesDiscount, noDiscount] = [isPath(expr.args[1]!) ? 1 : 0, isPath(expr.args[2]!) ? 1 : 0];
    return (frame) => {
      const decision = condition(frame);
      if (decision === true) {
        frame.cost -= yesDiscount;
        return yes(frame);
      }
      if (decision === false) {
        frame.cost -= noDiscount;
        return no(frame);
      }
      return decision instanceof CelError ? decision : noSuchOverload();
    };
  }

  #indexCost(expr: Call): number {
    return this.#partCost(expr.args[0]!) - (isPath(expr.args[1]!) ? 1 : 0);
  }

  #index(expr: Call, container: Step, index: Step): Step {
    const cost = this.#indexCost(expr);
    return (frame) => {
      const value = container(frame);
      if (value instanceof CelError) return value;
      const key = index(frame);
      if (key instanceof CelError) return key;
      if (value instanceof CelOptional) return optionalAt(frame, value, key, cost);
      frame.charge(cost);
      return partOf(value, key);
    };
  }

  #optionalIndex(expr: Call, container: Step, index: Step): Step {
    const cost = this.#indexCost(expr);
    return (frame) => {
      const value = container(frame);
      if (value instanceof CelError) return value;
      const key = index(frame);
      if (key instanceof CelError) return key;
      return optionalAt(frame, value instanceof CelOptional ? value : new CelOptional(value), key, cost);
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
      const value = item(frame);
      frame.charge(listCreation + 1);
      if (grown instanceof CelError) return grown;
      if (value instanceof CelError) return value;
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
      let problem: CelError | undefined;
      for (const arg of args) {
        const value = arg(frame);
        if (!(value instanceof CelError)) values.push(value);
        else problem ??= value;
        if (problem && args.length > 2) return problem;
      }
      if (problem) {
        frame.charge(1);
        return problem;
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
        slots[depth] = step(frame);
        return true;
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
      takeStep();
      const item = range.at(index);
      if (!visit(isTwo ? BigInt(index) : item, item)) return undefined;
    }
    return undefined;
  }
  if (!(range instanceof CelMap)) return new CelError(`got '${goName(range)}', expected iterable type`);
  for (const key of range.keys()) {
    takeStep();
    if (!visit(key, isTwo ? range.find(key)! : null)) return undefined;
  }
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

/** `problem`: a constant part of the expression can only fail. */
export function planEvaluation(expr: Expr): { readonly step: Step; readonly problem: string | undefined } {
  const planner = new Planner();
  const step = planner.plan(expr);
  return { step, problem: planner.problem };
}
