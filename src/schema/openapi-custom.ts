// Schemas of custom resources as OpenAPI documents show them: with what the server adds, and, in version 2, without what
// that version cannot say.
import { sharedDescription } from './openapi-descriptions.ts';
import type { OpenApiResource } from './openapi-operations.ts';
import { type Dialect, type OpenApiSchema, schemaReference } from './openapi-schemas.ts';

const metaPackage = 'io.k8s.apimachinery.pkg.apis.meta.v1';
/** Keywords that older readers of version 2 stumble over. */
const notInV2 = ['oneOf', 'anyOf', 'not', 'nullable', 'x-kubernetes-validations'];

const isObject = (value: unknown): value is OpenApiSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Version 2 knows less: where a schema keeps unknown fields, or has no type, nothing is said of what is inside. */
function toV2(schema: OpenApiSchema): OpenApiSchema {
  const kept = Object.fromEntries(
    Object.entries(schema).filter(([name]) => !notInV2.includes(name) && name !== 'allOf'),
  );
  if (schema['nullable'] === true) {
    delete kept['type'];
    delete kept['items'];
    delete kept['properties'];
    return kept;
  }
  if (kept['x-kubernetes-preserve-unknown-fields'] === true) {
    delete kept['items'];
    delete kept['properties'];
    return kept;
  }
  if (isObject(kept['properties'])) {
    kept['properties'] = Object.fromEntries(
      Object.entries(kept['properties']).map(([name, each]) => [name, isObject(each) ? toV2(each) : each]),
    );
  }
  for (const name of ['items', 'additionalProperties']) if (isObject(kept[name])) kept[name] = toV2(kept[name]);
  // A default in version 2 would have old clients compute differences.
  delete kept['default'];
  return kept;
}

const described = (dialect: Dialect, name: string, description: string): OpenApiSchema =>
  dialect === 2
    ? { ...schemaReference(`${metaPackage}.${name}`, 2), description }
    : { allOf: [schemaReference(`${metaPackage}.${name}`, 3)], description };

const fieldOf = (place: 'kind' | 'list', field: string): OpenApiSchema => ({
  type: 'string',
  description: sharedDescription(place, field),
});

/** A resource's schema with the fields that every object has. */
function customSchema({ schema, group, version, kind }: OpenApiResource, dialect: Dialect): OpenApiSchema {
  const given = schema ?? {};
  const gvk = { 'x-kubernetes-group-version-kind': [{ group, kind, version }] };
  // A root that keeps everything says nothing in version 2 but what it is.
  if (dialect === 2 && given['x-kubernetes-preserve-unknown-fields'] === true) {
    const { description } = given;
    return { ...(description ? { description } : {}), type: 'object', ...gvk };
  }
  const own = dialect === 2 ? toV2(given) : given;
  const {
    apiVersion: _apiVersion,
    kind: _kind,
    metadata: _metadata,
    ...fields
  } = (own['properties'] ?? {}) as OpenApiSchema;
  return {
    ...own,
    type: 'object',
    properties: {
      apiVersion: fieldOf('kind', 'apiVersion'),
      kind: fieldOf('kind', 'kind'),
      ...fields,
      metadata: described(dialect, 'ObjectMeta', sharedDescription('kind', 'metadata')),
    },
    ...gvk,
  };
}

/** The list that the server makes of it. */
function customListSchema({ typeName, group, version, listKind }: OpenApiResource, dialect: Dialect): OpenApiSchema {
  return {
    type: 'object',
    description: `${listKind} is a list of ${typeName.slice(typeName.lastIndexOf('.') + 1)}`,
    required: ['items'],
    properties: {
      apiVersion: fieldOf('list', 'apiVersion'),
      items: {
        type: 'array',
        description: sharedDescription('list', 'items'),
        items: schemaReference(typeName, dialect),
      },
      kind: fieldOf('list', 'kind'),
      metadata: described(dialect, 'ListMeta', sharedDescription('list', 'metadata')),
    },
    'x-kubernetes-group-version-kind': [{ group, kind: listKind, version }],
  };
}

/** All of them and their lists, by name. */
export function customSchemas(resources: readonly OpenApiResource[], dialect: Dialect): Map<string, OpenApiSchema> {
  const schemas = new Map<string, OpenApiSchema>();
  for (const resource of resources) {
    if (!resource.schema) continue;
    schemas.set(resource.typeName, customSchema(resource, dialect));
    const listName = `${resource.typeName.slice(0, resource.typeName.lastIndexOf('.') + 1)}${resource.listKind}`;
    schemas.set(listName, customListSchema(resource, dialect));
  }
  return schemas;
}

/** Types of the facts that these schemas refer to. */
export const customRoots: readonly string[] = [`${metaPackage}.ObjectMeta`, `${metaPackage}.ListMeta`];
