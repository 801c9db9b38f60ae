// OpenAPI schemas of API types, in the dialect of version 2 or 3, from the IR.
// What fields are for is said by openapi-descriptions.ts.
import { typeFacts } from './facts.ts';
import { type Field, type Type, typeOf } from './ir.ts';
import { descriptionOf } from './openapi-descriptions.ts';

export type Dialect = 2 | 3;
export type OpenApiSchema = Record<string, unknown>;

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';
export const patchName = `${metaPackage}.Patch`;

export const schemaReference = (name: string, dialect: Dialect): OpenApiSchema => ({
  $ref: `${dialect === 2 ? '#/definitions' : '#/components/schemas'}/${name}`,
});

/** Types that are no objects in JSON. */
function customSchema(kind: string, dialect: Dialect): OpenApiSchema {
  switch (kind) {
    case 'time':
    case 'microtime':
      return { type: 'string', format: 'date-time' };
    case 'duration':
      return { type: 'string' };
    case 'quantity':
      return dialect === 2 ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] };
    case 'intorstring':
      return dialect === 2
        ? { type: 'string', format: 'int-or-string' }
        : { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
    case 'rawextension':
      return { type: 'object' };
    default:
      return {};
  }
}

const scalars: Partial<Record<string, OpenApiSchema>> = {
  string: { type: 'string' },
  bool: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  any: { type: 'object' },
};
const zeroes: Partial<Record<string, unknown>> = { string: '', bool: false, int32: 0, int64: 0, double: 0, struct: {} };

/** Upstream wraps a reference only where something stands beside it; at fields that is their description. */
function plain(schema: OpenApiSchema): OpenApiSchema {
  const { allOf } = schema;
  return Array.isArray(allOf) && Object.keys(schema).length === 1 ? allOf[0] : schema;
}

class SchemaMaker {
  readonly #dialect: Dialect;
  readonly #reach: (name: string) => void;

  constructor(dialect: Dialect, reach: (name: string) => void) {
    this.#dialect = dialect;
    this.#reach = reach;
  }

  #enumOf(field: Field): OpenApiSchema {
    const known = field.fact.named ? typeFacts().enums[field.fact.named] : undefined;
    return known?.closed && field.kind === 'string' ? { enum: [...known.values].sort() } : {};
  }

  /** One value: a field without its wrap. `fallback` is the default to name, where there is one. */
  #value(field: Field, fallback: unknown): OpenApiSchema {
    const defaulted = fallback === undefined || this.#dialect === 2 ? {} : { default: fallback };
    const scalar = scalars[field.kind];
    if (scalar) return { ...scalar, ...this.#enumOf(field), ...defaulted };
    if (field.kind === 'stringlist') return { type: 'array', items: this.#stringItem() };
    this.#reach(field.typeName!);
    const reference = schemaReference(field.typeName!, this.#dialect);
    return this.#dialect === 2 ? reference : { allOf: [reference], ...defaulted };
  }

  #stringItem(): OpenApiSchema {
    return this.#dialect === 2 ? { type: 'string' } : { type: 'string', default: '' };
  }

  field(field: Field): OpenApiSchema {
    const { fact } = field;
    const schema: OpenApiSchema =
      field.wrap === 'list'
        ? { type: 'array', items: plain(this.#value(field, fact.elemPointer ? undefined : zeroes[field.kind])) }
        : field.wrap === 'map'
          ? { type: 'object', additionalProperties: plain(this.#value(field, zeroes[field.kind])) }
          : this.#value(field, this.#defaultOf(field));
    if (fact.listType) schema['x-kubernetes-list-type'] = fact.listType;
    if (fact.listMapKeys) schema['x-kubernetes-list-map-keys'] = fact.listMapKeys;
    if (fact.mapType) schema['x-kubernetes-map-type'] = fact.mapType;
    if (fact.structType) schema['x-kubernetes-map-type'] = fact.structType;
    if (fact.patchStrategy) schema['x-kubernetes-patch-strategy'] = fact.patchStrategy;
    if (fact.patchMergeKey) schema['x-kubernetes-patch-merge-key'] = fact.patchMergeKey;
    return schema;
  }

  #defaultOf(field: Field): unknown {
    if (field.fact.default !== undefined) return field.fact.default;
    if (field.isPointer || (field.omitEmpty && field.kind !== 'struct')) return undefined;
    return zeroes[field.kind];
  }

  described(typeName: string): OpenApiSchema {
    const description = descriptionOf(typeName, '');
    return description ? { description } : {};
  }

  type(type: Type): OpenApiSchema {
    const described = this.described(type.name);
    if (type.shortName === 'FieldsV1') return { ...described, type: 'object' };
    if (type.kind !== 'struct') return { ...described, ...customSchema(type.kind, this.#dialect) };
    const properties: OpenApiSchema = {};
    for (const field of type.jsonFields) {
      const sentence = descriptionOf(type.name, field.name);
      properties[field.name] = { ...(sentence && { description: sentence }), ...this.field(field) };
    }
    const required = type.jsonFields.filter((field) => field.fact.required).map((field) => field.name);
    const schema: OpenApiSchema = { ...described, type: 'object' };
    if (required.length > 0) schema['required'] = required;
    if (type.jsonFields.length > 0) schema['properties'] = properties;
    if (type.fact.structType) schema['x-kubernetes-map-type'] = type.fact.structType;
    return schema;
  }
}

interface SchemaRequest {
  readonly roots: Iterable<string>;
  readonly dialect: Dialect;
  /** The versions whose options and watch events the document speaks of, as `group/version` pairs. */
  readonly groupVersions: readonly { group: string; version: string }[];
}

/** Kinds that every group version has as its own. */
const everywhere = new Set([`${metaPackage}.DeleteOptions`, `${metaPackage}.WatchEvent`]);

function gvksOf(type: Type, groupVersions: SchemaRequest['groupVersions']): OpenApiSchema[] {
  const { gvk } = type;
  if (everywhere.has(type.name)) {
    const core = groupVersions.some(({ group }) => group === '') ? [] : [{ group: '', version: 'v1' }];
    return [...core, ...groupVersions].map(({ group, version }) => ({ group, kind: type.shortName, version }));
  }
  if (!gvk) return [];
  // Status and the discovery kinds are in the core group on the wire.
  const group = gvk[0] === 'meta.k8s.io' && type.name.startsWith(metaPackage) ? '' : gvk[0];
  return [{ group, kind: gvk[2], version: gvk[1] }];
}

/** The schemas of the root types and of all that they refer to, sorted by name. */
export function schemasOf({ roots, dialect, groupVersions }: SchemaRequest): Record<string, OpenApiSchema> {
  const found = new Map<string, OpenApiSchema>();
  const waiting = [...roots];
  const maker = new SchemaMaker(dialect, (name) => waiting.push(name));
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    if (name === patchName) {
      found.set(name, { ...maker.described(name), type: 'object' });
      continue;
    }
    const type = typeOf(name);
    const schema = maker.type(type);
    const gvks = gvksOf(type, groupVersions);
    if (gvks.length > 0) schema['x-kubernetes-group-version-kind'] = gvks;
    found.set(name, schema);
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
