// The type of a value that an OpenAPI document describes. Made lazily: of a large document, an expression touches little,
// and descriptions may go in circles.
import { escapeProperty } from './property-names.ts';
import {
  boolType,
  bytesType,
  type CelField,
  type CelType,
  doubleType,
  durationType,
  dynType,
  intType,
  listType,
  mapType,
  stringType,
  timestampType,
} from './types.ts';

/** As far as types need it. */
export interface OpenApiSchema {
  readonly $ref?: string;
  readonly allOf?: readonly OpenApiSchema[];
  readonly type?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly additionalProperties?: OpenApiSchema | boolean;
  readonly items?: OpenApiSchema;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
}

export type OpenApiSchemas = Readonly<Record<string, OpenApiSchema>>;

const prefix = '#/components/schemas/';
const maxSteps = 16;

/** What a reference leads to, also one that is wrapped to carry a default. */
function resolve(schema: OpenApiSchema, schemas: OpenApiSchemas): OpenApiSchema {
  let current = schema;
  for (let step = 0; step < maxSteps; step++) {
    const only = current.allOf?.length === 1 ? current.allOf[0]! : current;
    if (!only.$ref?.startsWith(prefix)) return only;
    const name = only.$ref.slice(prefix.length);
    if (!Object.hasOwn(schemas, name)) return {};
    current = schemas[name]!;
  }
  return {};
}

const texts: Readonly<Record<string, CelType>> = {
  byte: bytesType,
  duration: durationType,
  date: { ...timestampType, isDate: true },
  'date-time': timestampType,
};
const plainTypes: ReadonlyMap<string, CelType> = new Map([
  ['boolean', boolType],
  ['number', doubleType],
  ['integer', intType],
]);

const textSchema: OpenApiSchema = { type: 'string' };
const metadataSchema: OpenApiSchema = { type: 'object', properties: { name: textSchema, generateName: textSchema } };

/** undefined: expressions cannot see such values. `isResource`: it has `metadata` whether the document says so or not. */
export function openApiType(
  described: OpenApiSchema,
  schemas: OpenApiSchemas,
  isResource: boolean,
  name: string,
): CelType | undefined {
  const schema = resolve(described, schemas);
  if (schema['x-kubernetes-int-or-string'] || schema.format === 'int-or-string') return dynType;
  if (isResource || schema.type === 'object') return objectType(schema, schemas, isResource, name);
  if (schema.type === 'array') {
    const { items } = schema;
    const element = items && openApiType(items, schemas, isEmbedded(items), `${name}.@idx`);
    return element && listType(element);
  }
  if (schema.type === 'string') return texts[schema.format ?? ''] ?? stringType;
  return plainTypes.get(schema.type ?? '');
}

const isEmbedded = (schema: OpenApiSchema): boolean => schema['x-kubernetes-embedded-resource'] === true;

function objectType(
  schema: OpenApiSchema,
  schemas: OpenApiSchemas,
  isResource: boolean,
  name: string,
): CelType | undefined {
  const { additionalProperties: additional } = schema;
  if (typeof additional === 'object') {
    const value = openApiType(additional, schemas, isEmbedded(additional), `${name}.@elem`);
    return value && mapType(stringType, value);
  }
  const properties = isResource
    ? { kind: textSchema, apiVersion: textSchema, metadata: metadataSchema, ...schema.properties }
    : (schema.properties ?? {});
  const keys = new Map(Object.keys(properties).map((key) => [escapeProperty(key), key]));
  const known = new Map<string, CelField | undefined>();
  const field = (asked: string): CelField | undefined => {
    if (known.has(asked)) return known.get(asked);
    const key = keys.get(asked);
    const found = key === undefined ? undefined : properties[key];
    const type = found && openApiType(found, schemas, isEmbedded(found), `${name}.${asked}`);
    const made = type && { type, ...(key === asked ? {} : { key: key! }) };
    known.set(asked, made);
    return made;
  };
  return { kind: 'object', name, params: [], field, fieldNames: () => keys.keys() as Iterable<string> };
}
