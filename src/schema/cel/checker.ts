// What each part of an expression is, and which functions it calls. Types are written onto the nodes.
import {
  type Call,
  type Expr,
  type Fold,
  type List,
  type MapLiteral,
  qualifiedName,
  type Select,
  type Struct,
} from './ast.ts';
import { functions, patchFunctions, typeNames } from './functions.ts';
import type { CelFunction, Overload } from './overloads.ts';
import type { Issues } from './parse-errors.ts';
import { patchType } from './patch-types.ts';
import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  dynType,
  errorType,
  intType,
  isDynamic,
  isOptional,
  isSameType,
  listType,
  mapType,
  nullType,
  optionalType,
  stringType,
  typeText,
  typeType,
  uintType,
} from './types.ts';
import { moreGeneral, Unifier } from './unify.ts';

export interface CheckEnvironment {
  readonly variables: Readonly<Record<string, CelType>>;
  readonly hasPatchTypes: boolean;
}

const unwrapped = (type: CelType): CelType => (isOptional(type) ? type.params[0]! : type);

class Checker {
  readonly references = new Set<string>();
  readonly #environment: CheckEnvironment;
  readonly #issues: Issues;
  readonly #types = new Unifier();
  /** Names that folds give, the innermost last. */
  readonly #scopes: { readonly name: string; readonly type: CelType }[] = [];
  readonly #nodes: Expr[] = [];

  constructor(environment: CheckEnvironment, issues: Issues) {
    this.#environment = environment;
    this.#issues = issues;
  }

  check(expr: Expr): CelType {
    // Some macros use one node twice.
    if (expr.type) return expr.type;
    const type = this.#typeOf(expr);
    expr.type = type;
    this.#nodes.push(expr);
    return type;
  }

  /** Puts in what parameters turned out to be. */
  finish(): void {
    for (const node of this.#nodes) node.type = this.#types.substitute(node.type!, true);
  }

  #typeOf(expr: Expr): CelType {
    switch (expr.kind) {
      case 'literal':
        return literalType(expr.value);
      case 'ident':
        return this.#named(expr.name) ?? this.#undeclared(expr, expr.name);
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

  #undeclared(expr: Expr, name: string): CelType {
    this.#issues.add(expr.at, `undeclared reference to '${name}' (in container '')`);
    return errorType;
  }

  #mismatch(expr: Expr, expected: CelType, actual: CelType): void {
    this.#issues.add(expr.at, `expected type '${typeText(expected)}' but found '${typeText(actual)}'`);
  }

  /** A variable's type, or that of a type's name. */
  #named(written: string): CelType | undefined {
    const name = written.startsWith('.') ? written.slice(1) : written;
    if (name === written) {
      const local = this.#scopes.findLast((scope) => scope.name === name);
      if (local) return local.type;
    }
    const { variables } = this.#environment;
    if (Object.hasOwn(variables, name)) {
      this.references.add(name);
      return variables[name];
    }
    const type = this.#typeNamed(name);
    return type && typeType(type);
  }

  #typeNamed(name: string): CelType | undefined {
    return typeNames.get(name) ?? (this.#environment.hasPatchTypes ? patchType(name) : undefined);
  }

  #select(expr: Select): CelType {
    if (!expr.isTest) {
      const name = qualifiedName(expr);
      const first = name?.slice(0, name.indexOf('.'));
      const isLocal = this.#scopes.some((scope) => scope.name === first);
      const type = name !== undefined && !isLocal ? this.#named(name) : undefined;
      if (type) {
        expr.variable = name!.replace(/^\./, '');
        return type;
      }
    }
    const type = this.#field(expr, expr.operand, expr.field, false);
    return expr.isTest ? boolType : this.#types.substitute(type, false);
  }

  #field(expr: Expr, operand: Expr, field: string, isOptionalSelect: boolean): CelType {
    const operandType = this.#types.substitute(this.check(operand), false);
    const target = unwrapped(operandType);
    const result = this.#fieldOf(expr, target, field);
    return isOptionalSelect || target !== operandType ? optionalType(result) : result;
  }

  #fieldOf(expr: Expr, target: CelType, field: string): CelType {
    if (target.kind === 'map') return target.params[1]!;
    if (target.kind === 'object') {
      if (!target.field) {
        this.#issues.add(expr.at, `unexpected failed resolution of '${target.name}'`);
        return errorType;
      }
      const found = target.field(field);
      if (!found) this.#issues.add(expr.at, `undefined field '${field}'`);
      return found?.type ?? errorType;
    }
    if (target.kind === 'param') this.#types.fits([dynType], [target]);
    else if (!isDynamic(target)) {
      this.#issues.add(expr.at, `type '${typeText(target)}' does not support field selection`);
    }
    return dynType;
  }

  #function(name: string): CelFunction | undefined {
    const bare = name.startsWith('.') ? name.slice(1) : name;
    return functions.get(bare) ?? (this.#environment.hasPatchTypes ? patchFunctions.get(bare) : undefined);
  }

  #call(expr: Call): CelType {
    if (expr.name === '_?._' && !expr.target) {
      const field = expr.args[1] as Extract<Expr, { kind: 'literal' }>;
      this.check(field);
      expr.overloads = [functions.get('_?._')!.overloads[0]!];
      return this.#types.substitute(this.#field(expr, expr.args[0]!, field.value as string, true), false);
    }
    for (const arg of expr.args) this.check(arg);
    if (!expr.target) {
      const called = this.#function(expr.name);
      if (!called) return this.#undeclared(expr, expr.name);
      expr.name = called.name;
      return this.#resolve(expr, called, expr.args);
    }
    const prefix = qualifiedName(expr.target);
    const spaced = prefix === undefined ? undefined : this.#function(`${prefix}.${expr.name}`);
    if (spaced) {
      expr.name = spaced.name;
      expr.target = undefined;
      return this.#resolve(expr, spaced, expr.args);
    }
    this.check(expr.target);
    const called = this.#function(expr.name);
    return called ? this.#resolve(expr, called, [expr.target, ...expr.args]) : this.#undeclared(expr, expr.name);
  }

  #resolve(expr: Call, called: CelFunction, args: readonly Expr[]): CelType {
    const types = args.map((arg) => this.check(arg));
    const isMember = expr.target !== undefined;
    if (called.name === '_&&_' || called.name === '_||_') {
      expr.overloads = called.overloads;
      return this.#allBool(args, types);
    }
    const matching: Overload[] = [];
    let result: CelType | undefined;
    for (const overload of called.overloads) {
      if (overload.isMember !== isMember) continue;
      const { params, result: declared } = overload.isGeneric ? this.#instance(overload) : overload;
      if (!this.#types.fits(types, params)) continue;
      matching.push(overload);
      const type = this.#types.substitute(declared, false);
      if (!result) result = type;
      else if (!isDynamic(result) && !isSameType(type, result)) result = dynType;
    }
    expr.overloads = matching;
    if (result) return result;
    const texts = types.map((type) => typeText(this.#types.substitute(type, true)));
    const signature = isMember ? `${texts[0]}.(${texts.slice(1).join(', ')})` : `(${texts.join(', ')})`;
    this.#issues.add(expr.at, `found no matching overload for '${called.name}' applied to '${signature}'`);
    return errorType;
  }

  #allBool(args: readonly Expr[], types: readonly CelType[]): CelType {
    let result = boolType;
    for (const [index, type] of types.entries()) {
      if (this.#types.fits([type], [boolType])) continue;
      this.#mismatch(args[index]!, boolType, this.#types.substitute(type, false));
      result = errorType;
    }
    return result;
  }

  /** With parameters that nothing else uses. */
  #instance({ params, result }: Overload): { params: readonly CelType[]; result: CelType } {
    const fresh = new Map<string, CelType>();
    const rename = (type: CelType): CelType => {
      if (type.kind !== 'param') return type.params.length === 0 ? type : { ...type, params: type.params.map(rename) };
      let param = fresh.get(type.name);
      if (!param) {
        param = this.#types.freshParam();
        fresh.set(type.name, param);
      }
      return param;
    };
    return { params: params.map(rename), result: rename(result) };
  }

  #join(expr: Expr, before: CelType | undefined, type: CelType): CelType {
    if (!before) return type;
    if (this.#types.fits([before], [type])) return moreGeneral(before, type);
    this.#mismatch(expr, before, type);
    return errorType;
  }

  #optionalValue(expr: Expr): CelType {
    const type = this.check(expr);
    if (!isOptional(type) && !isDynamic(type)) this.#mismatch(expr, optionalType(type), type);
    return unwrapped(type);
  }

  #list(expr: List): CelType {
    let items: CelType | undefined;
    for (const [index, item] of expr.items.entries()) {
      const type = expr.optional.has(index) ? this.#optionalValue(item) : this.check(item);
      items = this.#join(item, items, type);
    }
    return listType(items ?? this.#types.freshParam());
  }

  #map(expr: MapLiteral): CelType {
    let keys: CelType | undefined;
    let values: CelType | undefined;
    for (const { key, value, isOptional: isOptionalEntry } of expr.entries) {
      keys = this.#join(key, keys, this.check(key));
      values = this.#join(value, values, isOptionalEntry ? this.#optionalValue(value) : this.check(value));
    }
    return mapType(keys ?? this.#types.freshParam(), values ?? this.#types.freshParam());
  }

  #struct(expr: Struct): CelType {
    const named = this.#named(expr.name);
    if (!named) return this.#undeclared(expr, expr.name);
    const type = named.kind === 'type' ? named.params[0]! : errorType;
    if (named.kind !== 'type') this.#issues.add(expr.at, `'${named.name}' is not a type`);
    else if (type.kind !== 'object') this.#issues.add(expr.at, `'${type.name}' is not a message type`);
    for (const field of expr.fields) {
      const value = field.isOptional ? this.#optionalValue(field.value) : this.check(field.value);
      const wanted = type.kind === 'object' ? type.field?.(field.name)?.type : errorType;
      if (!wanted) {
        this.#issues.add(field.at, `undefined field '${field.name}'`);
      } else if (!this.#types.fits([wanted], [value])) {
        this.#issues.add(
          field.at,
          `expected type of field '${field.name}' is '${typeText(wanted)}' but provided type is '${typeText(value)}'`,
        );
      }
    }
    return type.kind === 'object' ? type : errorType;
  }

  #fold(expr: Fold): CelType {
    const range = this.check(expr.range);
    const total = this.check(expr.init);
    const [first, second] = this.#rangeTypes(expr, this.#types.substitute(range, false));
    const depth = this.#scopes.length;
    this.#scopes.push({ name: expr.accumulator, type: total }, { name: expr.variable, type: first });
    if (expr.variable2 !== undefined) this.#scopes.push({ name: expr.variable2, type: second });
    this.#expect(expr.condition, boolType);
    this.#expect(expr.step, total);
    this.#scopes.length = depth + 1;
    const result = this.check(expr.result);
    this.#scopes.length = depth;
    return this.#types.substitute(result, false);
  }

  #expect(expr: Expr, wanted: CelType): void {
    const type = this.check(expr);
    if (!this.#types.fits([wanted], [type])) this.#mismatch(expr, wanted, type);
  }

  /** What the variables of a fold over this range are. */
  #rangeTypes(expr: Fold, range: CelType): readonly [CelType, CelType] {
    if (range.kind === 'list') {
      const item = range.params[0]!;
      return expr.variable2 === undefined ? [item, item] : [intType, item];
    }
    if (range.kind === 'map') return [range.params[0]!, range.params[1]!];
    if (isDynamic(range) || range.kind === 'param') {
      this.#types.fits([dynType], [range]);
      return [dynType, dynType];
    }
    this.#issues.add(
      expr.range.at,
      `expression of type '${typeText(range)}' cannot be range of a comprehension (must be list, map, or dynamic)`,
    );
    return [errorType, errorType];
  }
}

function literalType(value: unknown): CelType {
  switch (typeof value) {
    case 'string':
      return stringType;
    case 'bigint':
      return intType;
    case 'number':
      return doubleType;
    case 'boolean':
      return boolType;
  }
  if (value === null) return nullType;
  return value instanceof Uint8Array ? bytesType : uintType;
}

export interface Checked {
  readonly type: CelType;
  readonly references: ReadonlySet<string>;
}

export function check(expr: Expr, environment: CheckEnvironment, issues: Issues): Checked {
  const checker = new Checker(environment, issues);
  checker.check(expr);
  checker.finish();
  return { type: expr.type!, references: checker.references };
}
