// The intermediate representation: every type as a list of JSON fields with what each codec needs to know. Made lazily
// from the fact tables, one type at a time; the codecs, patches and OpenAPI documents are all derived from it.
import { type FieldFact, type TypeFact, typeFacts } from './facts.ts';

export type ValueKind =
  | 'string'
  | 'bool'
  | 'int32'
  | 'int64'
  | 'double'
  | 'bytes'
  | 'any'
  | 'struct'
  | 'time'
  | 'microtime'
  | 'duration'
  | 'quantity'
  | 'intorstring'
  | 'rawjson'
  | 'rawextension'
  | 'stringlist'
  | 'schemaorbool'
  | 'schemaorarray'
  | 'schemaorstringarray';

export interface Field {
  /** JSON name; '' for a struct that is flattened into its parent. */
  readonly name: string;
  /** Protobuf number; 0 where the field exists in JSON only. */
  readonly number: number;
  readonly kind: ValueKind;
  /** Key of the value's type where it has one. */
  readonly typeName: string | undefined;
  readonly wrap: 'list' | 'map' | undefined;
  readonly isPointer: boolean;
  readonly omitEmpty: boolean;
  readonly omitZero: boolean;
  readonly isInline: boolean;
  /** Go's name of the value (`int32`, `v1.Container`) and of the whole field (`[]v1.Container`), for error texts. */
  readonly goValue: string;
  readonly goType: string;
  /** Go's path to the field, through embedded structs: `VolumeSource.emptyDir`. */
  readonly goPath: string;
  readonly fact: FieldFact;
}

export interface Type {
  readonly name: string;
  /** `Pod`: Go's struct name. */
  readonly shortName: string;
  readonly kind: ValueKind | 'unknown' | 'typemeta';
  readonly gvk: readonly [string, string, string] | undefined;
  /** As in Go: inline structs are fields of their own, named ''. Protobuf nests them. */
  readonly fields: readonly Field[];
  /** As in JSON: inline structs are flattened, in Go's order of printing. */
  readonly jsonFields: readonly Field[];
  readonly jsonField: ReadonlyMap<string, Field>;
  readonly fact: TypeFact;
}

const scalarGoTypes: Record<string, string> = {
  string: 'string',
  bool: 'bool',
  int32: 'int32',
  int64: 'int64',
  double: 'float64',
  bytes: '[]uint8',
  any: 'interface {}',
};

/** `io.k8s.api.core.v1.Pod` → `v1.Pod`. */
function goName(typeName: string): string {
  const dot = typeName.lastIndexOf('.');
  return `${typeName.slice(typeName.lastIndexOf('.', dot - 1) + 1, dot)}.${typeName.slice(dot + 1)}`;
}

function kindOf(type: string): ValueKind {
  if (type in scalarGoTypes) return type as ValueKind;
  const custom = factOf(type).custom;
  if (custom === 'list') return 'stringlist';
  if (custom === undefined || custom === 'unknown' || custom === 'typemeta') return 'struct';
  return custom as ValueKind;
}

function goTypeOf(fact: FieldFact, goValue: string): string {
  if (fact.alias) return goName(fact.alias);
  const element = fact.elemPointer ? `*${goValue}` : goValue;
  if (fact.wrap === 'list') return `[]${element}`;
  if (fact.wrap === 'map') return `map[${fact.keyNamed ? goName(fact.keyNamed) : 'string'}]${element}`;
  return goValue;
}

function toField(fact: FieldFact): Field {
  const kind = kindOf(fact.type);
  const goValue = fact.named ? goName(fact.named) : (scalarGoTypes[fact.type] ?? goName(fact.type));
  return {
    name: fact.name ?? '',
    number: fact.num ?? 0,
    kind,
    typeName: fact.type.includes('.') ? fact.type : undefined,
    wrap: fact.wrap,
    isPointer: fact.pointer === true,
    omitEmpty: fact.omitempty === true,
    omitZero: fact.omitzero === true,
    isInline: fact.inline === true,
    goValue,
    goType: goTypeOf(fact, goValue),
    goPath: fact.name ?? '',
    fact,
  };
}

function factOf(typeName: string): TypeFact {
  const { types } = typeFacts();
  const fact = Object.hasOwn(types, typeName) ? types[typeName] : undefined;
  if (!fact) throw new Error(`unknown API type "${typeName}"`);
  return fact;
}

const types = new Map<string, Type>();

/** The type of that name: `io.k8s.api.core.v1.Pod`. Throws for a name that is in no fact table. */
export function typeOf(typeName: string): Type {
  const known = types.get(typeName);
  if (known) return known;
  const fact = factOf(typeName);
  const fields = fact.fields.map(toField);
  const jsonFields = fields.flatMap((field) => {
    if (!field.isInline || !field.typeName) return [field];
    const embedded = typeOf(field.typeName);
    return embedded.jsonFields.map((inner) => ({ ...inner, goPath: `${embedded.shortName}.${inner.goPath}` }));
  });
  const type: Type = {
    name: typeName,
    shortName: typeName.slice(typeName.lastIndexOf('.') + 1),
    kind: fact.custom === 'unknown' || fact.custom === 'typemeta' ? fact.custom : kindOf(typeName),
    gvk: fact.gvk,
    fields,
    jsonFields,
    jsonField: new Map(jsonFields.map((field) => [field.name, field])),
    fact,
  };
  types.set(typeName, type);
  return type;
}

export const hasType = (typeName: string): boolean => Object.hasOwn(typeFacts().types, typeName);

let byKind: Map<string, string> | undefined;

/** The type that a group, version and kind name, lists and options among them; undefined when there is none. */
export function typeNameOf(gvk: { group: string; version: string; kind: string }): string | undefined {
  if (!byKind) {
    byKind = new Map();
    for (const [name, fact] of Object.entries(typeFacts().types)) if (fact.gvk) byKind.set(fact.gvk.join('/'), name);
  }
  return byKind.get(`${gvk.group}/${gvk.version}/${gvk.kind}`);
}

/** The field at a dotted path of JSON names, through lists and maps: `spec.template.spec.containers.image`. */
export function fieldAt(typeName: string, path: string): Field | undefined {
  let type: Type | undefined = typeOf(typeName);
  let field: Field | undefined;
  for (const name of path.split('.')) {
    field = type?.jsonField.get(name);
    if (!field) return undefined;
    type = field.kind === 'struct' && field.typeName ? typeOf(field.typeName) : undefined;
  }
  return field;
}
