// Functions are declared by signatures in text: `string.(int, int) -> string` is a member, `(A, list(A)) -> bool` is not.

import {
  boolType,
  bytesType,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  nullType,
  opaqueType,
  optionalType,
  stringType,
  timestampType,
  typeParam,
  typeType,
  uintType,
} from './types.ts';
import type { Outcome } from './value-types.ts';

/** Arguments are of the types that were declared: that is seen to before. */
export type Implementation = (...args: any[]) => Outcome;

export interface Overload {
  readonly id: string;
  readonly isMember: boolean;
  readonly params: readonly CelType[];
  readonly result: CelType;
  readonly isGeneric: boolean;
  readonly run: Implementation | undefined;
}

export interface CelFunction {
  readonly name: string;
  readonly overloads: readonly Overload[];
  /** One implementation for all overloads, which looks at the values itself. */
  readonly run: Implementation | undefined;
}

/** By overload: a signature, and an implementation of its own where there is none for all. */
export interface FunctionSpec {
  readonly run?: Implementation;
  readonly overloads: Readonly<Record<string, string | readonly [string, Implementation]>>;
}

export type Library = Readonly<Record<string, FunctionSpec>>;

const named: Readonly<Record<string, CelType>> = {
  bool: boolType,
  int: intType,
  uint: uintType,
  double: doubleType,
  string: stringType,
  bytes: bytesType,
  null: nullType,
  dyn: dynType,
  timestamp: timestampType,
  duration: durationType,
  A: typeParam('A'),
  B: typeParam('B'),
  'net.IP': opaqueType('net.IP'),
  'net.CIDR': opaqueType('net.CIDR'),
};
const constructed: Readonly<Record<string, (...params: CelType[]) => CelType>> = {
  list: (item) => listType(item!),
  map: (key, value) => mapType(key!, value!),
  type: (of) => typeType(of!),
  optional: (of) => optionalType(of!),
};

const objects = new Map<string, CelType>();

/** Types of libraries: known by name, without fields. */
export function libraryType(name: string): CelType {
  let type = named[name] ?? objects.get(name);
  if (!type) {
    type = { kind: 'object', name, params: [] };
    objects.set(name, type);
  }
  return type;
}

/** Reads types separated by commas. */
function typesIn(text: string): CelType[] {
  const types: CelType[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index <= text.length; index++) {
    const char = text[index];
    if (char === '(') depth++;
    else if (char === ')') depth--;
    else if (index === text.length || (char === ',' && depth === 0)) {
      const part = text.slice(start, index).trim();
      if (part) types.push(typeIn(part));
      start = index + 1;
    }
  }
  return types;
}

function typeIn(text: string): CelType {
  const open = text.indexOf('(');
  return open < 0 ? libraryType(text) : constructed[text.slice(0, open)]!(...typesIn(text.slice(open + 1, -1)));
}

const hasParam = (type: CelType): boolean => type.kind === 'param' || type.params.some(hasParam);

function overloadOf(id: string, signature: string, run: Implementation | undefined): Overload {
  const [left, result] = signature.split(' -> ') as [string, string];
  const member = /^(.*)\.\(/.exec(left)?.[1];
  const args = typesIn(left.slice((member === undefined ? 0 : member.length + 1) + 1, -1));
  const params = member === undefined ? args : [typeIn(member), ...args];
  const resultType = typeIn(result);
  return {
    id,
    isMember: member !== undefined,
    params,
    result: resultType,
    isGeneric: params.some(hasParam) || hasParam(resultType),
    run,
  };
}

/** Puts libraries together; a function that several have has the overloads of all. */
export function declare(...libraries: readonly Library[]): ReadonlyMap<string, CelFunction> {
  const functions = new Map<string, CelFunction>();
  for (const library of libraries) {
    for (const [name, spec] of Object.entries(library)) {
      const overloads = Object.entries(spec.overloads).map(([id, said]) =>
        typeof said === 'string' ? overloadOf(id, said, spec.run) : overloadOf(id, said[0], said[1]),
      );
      const known = functions.get(name);
      functions.set(name, {
        name,
        overloads: [...(known?.overloads ?? []), ...overloads],
        run: known && (known.run || spec.run) && known.run !== spec.run ? undefined : spec.run,
      });
    }
  }
  return functions;
}
