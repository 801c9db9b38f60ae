// The types of CEL expressions, as the checker reasons about them and as messages print them.

export type CelKind =
  | 'dyn'
  | 'error'
  | 'null'
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'list'
  | 'map'
  | 'type'
  | 'opaque'
  | 'object'
  | 'param';

export interface CelField {
  readonly type: CelType;
  /** The key in the JSON object, where it differs from the (escaped) name in expressions. */
  readonly key?: string;
}

export interface CelType {
  readonly kind: CelKind;
  /** Name at run time: `int`, `google.protobuf.Timestamp`, `kubernetes.Quantity`, or of the object type. */
  readonly name: string;
  /** Element of a list, key and value of a map, parameters of an opaque type. */
  readonly params: readonly CelType[];
  /** Fields of an object type; undefined: there is no such field. */
  readonly field?: (name: string) => CelField | undefined;
  /** Names of the fields of an object type, where they can be counted. */
  readonly fieldNames?: () => Iterable<string>;
  /** Upper bound of elements, characters or bytes, for the estimate of costs; undefined: unknown. */
  readonly maxElements?: number;
  /** Fewest bytes that a value takes in JSON, for the estimate of how many fit into a request. */
  readonly minSize?: number;
  /** The items of a list in a schema are told apart by themselves, or by keys. */
  readonly list?: { readonly kind: 'set' | 'map'; readonly keys: readonly string[] };
  /** Text of a point in time is a date alone. */
  readonly isDate?: boolean;
}

const simple = (kind: CelKind, name: string): CelType => ({ kind, name, params: [] });

export const dynType = simple('dyn', 'dyn');
/** The type of what is wrong already: it fits everywhere, so that one mistake is told once. */
export const errorType = simple('error', '!error!');
export const nullType = simple('null', 'null_type');
export const boolType = simple('bool', 'bool');
export const intType = simple('int', 'int');
export const uintType = simple('uint', 'uint');
export const doubleType = simple('double', 'double');
export const stringType = simple('string', 'string');
export const bytesType = simple('bytes', 'bytes');
export const timestampType = simple('timestamp', 'google.protobuf.Timestamp');
export const durationType = simple('duration', 'google.protobuf.Duration');

export const listType = (element: CelType, maxElements?: number): CelType => ({
  kind: 'list',
  name: 'list',
  params: [element],
  ...(maxElements === undefined ? {} : { maxElements }),
});
export const mapType = (key: CelType, value: CelType, maxElements?: number): CelType => ({
  kind: 'map',
  name: 'map',
  params: [key, value],
  ...(maxElements === undefined ? {} : { maxElements }),
});
export const typeType = (of: CelType): CelType => ({ kind: 'type', name: 'type', params: [of] });
export const opaqueType = (name: string, ...params: CelType[]): CelType => ({ kind: 'opaque', name, params });
export const optionalType = (of: CelType): CelType => opaqueType('optional_type', of);
export const typeParam = (name: string): CelType => simple('param', name);

/** An object whose fields are known; `null` values of it are not told apart from absent ones. */
export function objectType(name: string, fields: Readonly<Record<string, CelType | CelField>>): CelType {
  const known = new Map<string, CelField>(
    Object.entries(fields).map(([field, type]) => [field, 'kind' in type ? { type } : type]),
  );
  return { kind: 'object', name, params: [], field: (field) => known.get(field), fieldNames: () => known.keys() };
}

export const isOptional = (type: CelType): boolean => type.kind === 'opaque' && type.name === 'optional_type';

export const isDynamic = (type: CelType): boolean => type.kind === 'dyn' || type.kind === 'error';

/** As messages print it: `list(string)`, `map(string, dyn)`, `optional_type(int)`. */
export function typeText(type: CelType): string {
  if (type.params.length > 0) return `${type.name}(${type.params.map(typeText).join(', ')})`;
  return ['null', 'timestamp', 'duration'].includes(type.kind) ? type.kind : type.name;
}

/** The very same type; names decide for objects. */
export function isSameType(one: CelType, other: CelType): boolean {
  if (one === other) return true;
  if (one.kind !== other.kind || one.name !== other.name || one.params.length !== other.params.length) return false;
  return one.params.every((param, index) => isSameType(param, other.params[index]!));
}
