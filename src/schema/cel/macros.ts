// Macros: calls that are rewritten when they are read. Each becomes a fold, a condition or a test for presence.
import type { Expr, Fold } from './ast.ts';

export type Expansion = { readonly expr: Expr } | { readonly at: number; readonly error: string };
type Macro = (target: Expr, args: readonly Expr[], make: Maker) => Expansion;

export const accumulator = '@result';

/** Makes nodes that stand where the macro stands. */
class Maker {
  readonly at: number;
  constructor(at: number) {
    this.at = at;
  }
  literal = (value: boolean | bigint): Expr => ({ kind: 'literal', at: this.at, value });
  ident = (name: string): Expr => ({ kind: 'ident', at: this.at, name });
  call = (name: string, ...args: Expr[]): Expr => ({ kind: 'call', at: this.at, name, target: undefined, args });
  member = (name: string, target: Expr, ...args: Expr[]): Expr => ({ kind: 'call', at: this.at, name, target, args });
  list = (...items: Expr[]): Expr => ({ kind: 'list', at: this.at, items, optional: new Set() });
  map = (): Expr => ({ kind: 'map', at: this.at, entries: [] });
  result = (): Expr => this.ident(accumulator);
  fold = (
    range: Expr,
    variables: readonly string[],
    parts: Pick<Fold, 'init' | 'condition' | 'step' | 'result'>,
  ): Expr => ({
    kind: 'fold',
    at: this.at,
    range,
    variable: variables[0]!,
    variable2: variables[1],
    accumulator,
    ...parts,
  });
  /** One value under a name. */
  bind = (name: string, value: Expr, body: Expr): Expr => ({
    kind: 'fold',
    at: this.at,
    range: this.list(),
    variable: '#unused',
    variable2: undefined,
    accumulator: name,
    init: value,
    condition: this.literal(false),
    step: this.ident(name),
    result: body,
  });
}

type Variables = { readonly names: readonly string[] } | { readonly at: number; readonly error: string };

function variablesOf(args: readonly Expr[], notNamed: string): Variables {
  const names: string[] = [];
  for (const arg of args) {
    if (arg.kind !== 'ident') return { at: arg.at, error: notNamed };
    if (arg.name === '__result__') {
      return { at: arg.at, error: 'iteration variable overwrites accumulator variable' };
    }
    if (names.includes(arg.name)) return { at: args[1]!.at, error: `duplicate variable name: ${arg.name}` };
    names.push(arg.name);
  }
  return { names };
}

/** `count` variables come first; how the rest folds is the macro's. */
function folding(
  count: 1 | 2,
  notNamed: string,
  parts: (
    rest: readonly Expr[],
    make: Maker,
    names: readonly Expr[],
  ) => Pick<Fold, 'init' | 'condition' | 'step' | 'result'>,
): Macro {
  return (target, args, make) => {
    const variables = variablesOf(args.slice(0, count), notNamed);
    if ('error' in variables) return variables;
    return { expr: make.fold(target, variables.names, parts(args.slice(count), make, args)) };
  };
}

const simpleName = 'argument must be a simple name';
const notIdentifier = 'argument is not an identifier';

const all = (count: 1 | 2) =>
  folding(count, simpleName, ([test], make) => ({
    init: make.literal(true),
    condition: make.call('@not_strictly_false', make.result()),
    step: make.call('_&&_', make.result(), test!),
    result: make.result(),
  }));

const exists = (count: 1 | 2) =>
  folding(count, simpleName, ([test], make) => ({
    init: make.literal(false),
    condition: make.call('@not_strictly_false', make.call('!_', make.result())),
    step: make.call('_||_', make.result(), test!),
    result: make.result(),
  }));

const existsOne = (count: 1 | 2) =>
  folding(count, simpleName, ([test], make) => ({
    init: make.literal(0n),
    condition: make.literal(true),
    step: make.call('_?_:_', test!, make.call('_+_', make.result(), make.literal(1n)), make.result()),
    result: make.call('_==_', make.result(), make.literal(1n)),
  }));

/** The last argument is what each becomes, the one before it says which. */
const transforming = (
  count: 1 | 2,
  notNamed: string,
  init: (make: Maker) => Expr,
  add: (make: Maker, value: Expr, names: readonly Expr[]) => Expr,
) =>
  folding(count, notNamed, (rest, make, names) => {
    const added = add(make, rest.at(-1)!, names);
    return {
      init: init(make),
      condition: make.literal(true),
      step: rest.length > 1 ? make.call('_?_:_', rest[0]!, added, make.result()) : added,
      result: make.result(),
    };
  });

const emptyList = (make: Maker) => make.list();
const emptyMap = (make: Maker) => make.map();
const append = (make: Maker, value: Expr) => make.call('_+_', make.result(), make.list(value));
const map = transforming(1, notIdentifier, emptyList, append);
const transformList = transforming(2, simpleName, emptyList, append);
const transformMap = transforming(2, simpleName, emptyMap, (make, value, names) =>
  make.call('cel.@mapInsert', make.result(), make.ident((names[0] as { name: string }).name), value),
);
const transformMapEntry = transforming(2, simpleName, emptyMap, (make, value) =>
  make.call('cel.@mapInsert', make.result(), value),
);

const filter = folding(1, notIdentifier, ([test], make, names) => ({
  init: make.list(),
  condition: make.literal(true),
  step: make.call('_?_:_', test!, make.call('_+_', make.result(), make.list(names[0]!)), make.result()),
  result: make.result(),
}));

const optional =
  (name: string, wrap: boolean): Macro =>
  (target, [variable, body], make) => {
    // The target stands in it twice as one node: copies of copies would have no end.
    if (variable!.kind !== 'ident') {
      return { at: variable!.at, error: `${name}() variable name must be a simple identifier` };
    }
    const bound = make.bind(variable!.name, make.member('value', target), body!);
    const value = wrap ? make.call('optional.of', bound) : bound;
    return { expr: make.call('_?_:_', make.member('hasValue', target), value, make.call('optional.none')) };
  };

const sortBy: Macro = (target, args, make) => {
  if (!['list', 'select', 'ident', 'fold', 'call'].includes(target.kind)) {
    return {
      at: target.at,
      error: 'sortBy can only be applied to a list, identifier, comprehension, call or select expression',
    };
  }
  const name = '@__sortBy_input__';
  const mapped = map(make.ident(name), args, make);
  if ('error' in mapped) return mapped;
  return {
    expr: make.bind(name, target, make.member('@sortByAssociatedKeys', make.ident(name), mapped.expr)),
  };
};

const members: ReadonlyMap<string, Macro> = new Map([
  ['all 2', all(1)],
  ['all 3', all(2)],
  ['exists 2', exists(1)],
  ['exists 3', exists(2)],
  ['exists_one 2', existsOne(1)],
  ['exists_one 3', existsOne(2)],
  ['existsOne 2', existsOne(1)],
  ['existsOne 3', existsOne(2)],
  ['map 2', map],
  ['map 3', map],
  ['filter 2', filter],
  ['transformList 3', transformList],
  ['transformList 4', transformList],
  ['transformMap 3', transformMap],
  ['transformMap 4', transformMap],
  ['transformMapEntry 3', transformMapEntry],
  ['transformMapEntry 4', transformMapEntry],
  ['optMap 2', optional('optMap', true)],
  ['optFlatMap 2', optional('optFlatMap', false)],
  ['sortBy 2', sortBy],
]);

const bind: Macro = (_target, [name, value, body], make) => {
  if (name!.kind !== 'ident') return { at: name!.at, error: 'cel.bind() variable names must be simple identifiers' };
  return { expr: make.bind(name!.name, value!, body!) };
};

export interface MacroOptions {
  readonly hasBind: boolean;
}

interface MacroCall {
  readonly at: number;
  readonly name: string;
  readonly target: Expr | undefined;
  readonly args: readonly Expr[];
}

/** undefined: it is no macro. */
export function expandMacro({ at, name, target, args }: MacroCall, { hasBind }: MacroOptions): Expansion | undefined {
  if (target) {
    const isBind = hasBind && name === 'bind' && args.length === 3 && target.kind === 'ident' && target.name === 'cel';
    return (isBind ? bind : members.get(`${name} ${args.length}`))?.(target, args, new Maker(at));
  }
  if (name !== 'has' || args.length !== 1) return undefined;
  const select = args[0]!;
  if (select.kind !== 'select') return { at: select.at, error: 'invalid argument to has() macro' };
  return { expr: { ...select, at, isTest: true } };
}
