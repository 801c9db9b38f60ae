// How values of a type merge, for server-side apply and field ownership: which lists are keyed, which maps are whole.
// Made lazily from the IR; custom resources make theirs from an OpenAPI schema (merge-type-openapi.ts).
import { type Field, typeOf } from './ir.ts';

export type Scalar = 'numeric' | 'string' | 'boolean' | 'untyped';

export interface ListKey {
  readonly name: string;
  /** What an element means that leaves the key out; undefined: it has none. */
  readonly default?: unknown;
}

export interface FieldSlot {
  /** `f:NAME` */
  readonly element: string;
  readonly type: MergeType;
}

export interface MapMergeType {
  readonly shape: 'map';
  readonly isAtomic: boolean;
  /** Named fields; undefined for a map with free keys alone. */
  readonly fields: ReadonlyMap<string, FieldSlot> | undefined;
  /** The type of every other key; undefined: there are no others. */
  readonly element: MergeType | undefined;
}

export interface ListMergeType {
  readonly shape: 'list';
  readonly relation: 'atomic' | 'set' | 'map';
  readonly keys: readonly ListKey[];
  readonly element: MergeType;
}

export type MergeType =
  | { readonly shape: 'scalar'; readonly scalar: Scalar }
  | MapMergeType
  | ListMergeType
  /** Whatever it is, it is one value. */
  | { readonly shape: 'any' }
  /** Maps merge by their keys, all else is one value. */
  | { readonly shape: 'deduced' };

const scalarOf = (scalar: Scalar): MergeType => ({ shape: 'scalar', scalar });
export const stringType = scalarOf('string');
export const numericType = scalarOf('numeric');
export const booleanType = scalarOf('boolean');
export const untypedScalar = scalarOf('untyped');
export const anyType: MergeType = { shape: 'any' };
export const deducedType: MergeType = { shape: 'deduced' };

const scalars: Partial<Record<string, MergeType>> = {
  string: stringType,
  bytes: stringType,
  duration: stringType,
  bool: booleanType,
  int32: numericType,
  int64: numericType,
  double: numericType,
  time: untypedScalar,
  microtime: untypedScalar,
  quantity: untypedScalar,
  intorstring: untypedScalar,
  stringlist: { shape: 'list', relation: 'atomic', keys: [], element: stringType },
};

const structs = new Map<string, MapMergeType>();

class Struct implements MapMergeType {
  readonly shape = 'map';
  readonly isAtomic: boolean;
  readonly element = undefined;
  readonly #typeName: string;
  #fields: ReadonlyMap<string, FieldSlot> | undefined;

  constructor(typeName: string, isAtomic: boolean) {
    this.#typeName = typeName;
    this.isAtomic = isAtomic;
  }

  get fields(): ReadonlyMap<string, FieldSlot> {
    this.#fields ??= new Map(
      typeOf(this.#typeName)
        .jsonFields.filter(({ name }) => name !== '')
        .map((field) => [field.name, new LazySlot(field)]),
    );
    return this.#fields;
  }
}

/** Types refer to each other in circles: the type of a field is made when it is first asked for. */
class LazySlot implements FieldSlot {
  readonly element: string;
  readonly #field: Field;
  #type: MergeType | undefined;

  constructor(field: Field) {
    this.element = `f:${field.name}`;
    this.#field = field;
  }

  get type(): MergeType {
    this.#type ??= fieldType(this.#field);
    return this.#type;
  }
}

function structOf(typeName: string, isAtomic: boolean): MapMergeType {
  const key = isAtomic ? `${typeName}!` : typeName;
  let struct = structs.get(key);
  if (!struct) {
    struct = new Struct(typeName, isAtomic);
    structs.set(key, struct);
  }
  return struct;
}

function valueType(field: Field): MergeType {
  const scalar = scalars[field.kind];
  if (scalar) return scalar;
  if (field.kind !== 'struct') return anyType;
  const declared = typeOf(field.typeName!).fact.structType;
  const here = field.wrap ? undefined : field.fact.structType;
  return structOf(field.typeName!, (here ?? declared) === 'atomic');
}

function fieldType(field: Field): MergeType {
  const value = valueType(field);
  if (field.wrap === 'map') {
    return { shape: 'map', isAtomic: field.fact.mapType === 'atomic', fields: undefined, element: value };
  }
  if (field.wrap !== 'list') return value;
  return { shape: 'list', element: value, ...relationOf(field) };
}

function relationOf({ fact, typeName, kind }: Field): Pick<ListMergeType, 'relation' | 'keys'> {
  const elementType = kind === 'struct' ? typeName : undefined;
  if (fact.listType) {
    if (fact.listType !== 'map') return { relation: fact.listType, keys: [] };
    return { relation: 'map', keys: keysOf(fact.listMapKeys ?? [], elementType) };
  }
  // Lists without a type of their own merge as strategic merge patches do.
  if (!fact.patchStrategy?.split(',').includes('merge')) return { relation: 'atomic', keys: [] };
  if (fact.patchMergeKey) return { relation: 'map', keys: keysOf([fact.patchMergeKey], elementType) };
  return { relation: 'set', keys: [] };
}

function keysOf(names: readonly string[], elementType: string | undefined): ListKey[] {
  return names.map((name) => {
    const field = elementType ? typeOf(elementType).jsonField.get(name) : undefined;
    const value = field?.fact.default ?? zeroOf(field);
    return value === undefined ? { name } : { name, default: value };
  });
}

/** What a key stands for that is left out of a field which is always printed. */
function zeroOf(field: Field | undefined): string | number | undefined {
  if (!field || field.fact.omitempty || field.fact.pointer) return undefined;
  if (field.fact.type === 'string') return '';
  return field.fact.type === 'int32' || field.fact.type === 'int64' ? 0 : undefined;
}

/** How objects of a built-in type merge. */
export const mergeTypeOf = (typeName: string): MapMergeType => structOf(typeName, false);

/** Where in a map a key leads; undefined for a field the type does not have. */
export function typeAt(map: MapMergeType, key: string): MergeType | undefined {
  return map.fields?.get(key)?.type ?? map.element;
}
