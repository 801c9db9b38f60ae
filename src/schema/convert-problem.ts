// Why a tree of values is none of a type, in the words of the converter through which upstream takes what a strategic merge
// patch has made. It goes through fields in Go's order, and ends at the first.
import { type Field, type Type, typeOf } from './ir.ts';
import { goTypeOf, isObject, type JsonObject } from './patch-error.ts';

const scalars: ReadonlySet<string> = new Set(['string', 'bool', 'int32', 'int64', 'double']);

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'slice';
  return isObject(value) ? 'map' : goTypeOf(value);
}

const goKinds: Readonly<Record<string, string>> = { double: 'float64' };

function scalarProblem({ kind, goValue }: Field, value: unknown): string | undefined {
  const [from, to] = [goTypeOf(value), goKinds[kind] ?? kind];
  const isInteger = from === 'int64';
  const cannot = `cannot convert ${from} to ${goValue}`;
  if (from === to || (isInteger && (to === 'int32' || to === 'float64'))) return undefined;
  if (isInteger && to === 'string') return cannot;
  if (from === 'float64' && (to === 'int32' || to === 'int64')) return cannot;
  return `unrecognized type: ${to}`;
}

function valueProblem(field: Field, value: unknown, pending: [Type, JsonObject][]): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (scalars.has(field.kind)) return scalarProblem(field, value);
  if (field.kind === 'bytes') {
    return typeof value === 'string' ? undefined : `cannot restore slice from ${kindOf(value)}`;
  }
  if (field.kind !== 'struct' || !field.typeName) return undefined;
  if (!isObject(value)) return `cannot restore struct from: ${kindOf(value)}`;
  pending.push([typeOf(field.typeName), value]);
  return undefined;
}

function* valuesOf(field: Field, value: unknown): Generator<unknown> {
  if (!field.wrap) yield value;
  else yield* Array.isArray(value) ? value : Object.values(value as JsonObject);
}

/** The first problem of one struct's own fields and of those below; undefined: none that the converter knows. */
export function convertProblem(typeName: string, root: JsonObject): string | undefined {
  return structProblem(typeOf(typeName), root);
}

/** The patch was checked against a limit of depth. */
function structProblem(type: Type, source: JsonObject): string | undefined {
  for (const field of type.jsonFields) {
    const value = Object.hasOwn(source, field.name) ? source[field.name] : undefined;
    if (value === null || value === undefined) continue;
    if (field.wrap === 'list' && !Array.isArray(value)) return `cannot restore slice from ${kindOf(value)}`;
    if (field.wrap === 'map' && !isObject(value)) return `cannot restore map from ${kindOf(value)}`;
    for (const each of valuesOf(field, value)) {
      const below: [Type, JsonObject][] = [];
      const problem = valueProblem(field, each, below) ?? (below[0] && structProblem(...below[0]));
      if (problem) return problem;
    }
  }
  return undefined;
}
