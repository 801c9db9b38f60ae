// OpenAPI v2: one document for everything served, as JSON and in the protobuf form that older kubectl asks for.

import { hasType } from './ir.ts';
import { customRoots, customSchemas } from './openapi-custom.ts';
import { encodeGnostic } from './openapi-gnostic.ts';
import {
  byPath,
  type OpenApiResource,
  type Operation,
  operationsOf,
  ownQuery,
  type PathOperations,
  patchContentOf,
  type QueryParameter,
} from './openapi-operations.ts';
import { rootOperations } from './openapi-roots.ts';
import { type OpenApiSchema, patchName, schemaReference, schemasOf } from './openapi-schemas.ts';
import { apiVersionOf, fingerprint, type OpenApiDocument } from './openapi-v3.ts';

const produced = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];
const streamed = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

const queryParameter = ({ name, type }: QueryParameter): OpenApiSchema => ({
  uniqueItems: true,
  type,
  name,
  in: 'query',
});

const pathParameter = (name: string): OpenApiSchema => ({
  uniqueItems: true,
  type: 'string',
  name,
  in: 'path',
  required: true,
});

const byName = (a: OpenApiSchema, b: OpenApiSchema): number => (String(a['name']) < String(b['name']) ? -1 : 1);

/** Of what belongs to no kind the types are told both ways; what is no object takes nothing. */
function contentOf(operation: Operation): OpenApiSchema {
  const { answer, body, contentTypes, isStream, isText, gvk, action } = operation;
  if (!gvk && !action) {
    const types = contentTypes ?? produced;
    return { ...(answer === undefined ? {} : { consumes: types }), produces: types };
  }
  const consumes = body === patchName ? patchContentOf(answer ?? '') : ['*/*'];
  if (isText) return { consumes, produces: [...produced, 'text/plain'] };
  if (answer === undefined) return { consumes, produces: ['*/*'] };
  return { consumes, produces: isStream ? [...produced, ...streamed] : produced };
}

class DocumentMaker {
  readonly roots = new Set<string>();
  readonly custom: ReadonlyMap<string, OpenApiSchema>;

  constructor(resources: readonly OpenApiResource[]) {
    this.custom = customSchemas(resources, 2);
    if (this.custom.size > 0) for (const name of customRoots) this.roots.add(name);
  }

  #schema(name: string): OpenApiSchema {
    const isCustom = this.custom.has(name);
    if (name !== patchName && !hasType(name) && !isCustom) return { type: 'object' };
    if (!isCustom) this.roots.add(name);
    return schemaReference(name, 2);
  }

  #operation(operation: Operation, path: PathOperations): OpenApiSchema {
    const { answer, body, codes, gvk, action, operationId, tag } = operation;
    const schema = answer === undefined ? { type: 'string' } : this.#schema(answer);
    const descriptions: Record<number, string> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };
    const parameters = ownQuery(operation, path).map(queryParameter);
    if (body !== undefined) {
      const required = body.endsWith('.DeleteOptions') ? {} : { required: true };
      parameters.unshift({ name: 'body', in: 'body', ...required, schema: this.#schema(body) });
    }
    return {
      ...contentOf(operation),
      schemes: ['https'],
      tags: [tag],
      operationId,
      ...(parameters.length > 0 ? { parameters } : {}),
      responses: {
        ...Object.fromEntries(codes.map((code) => [String(code), { description: descriptions[code], schema }])),
        401: { description: 'Unauthorized' },
      },
      ...(action ? { 'x-kubernetes-action': action } : {}),
      ...(gvk ? { 'x-kubernetes-group-version-kind': gvk } : {}),
    };
  }

  path(path: PathOperations): OpenApiSchema {
    const parameters = [...path.pathNames.map(pathParameter), ...path.shared.map(queryParameter)].sort(byName);
    return {
      ...Object.fromEntries(path.operations.map((operation) => [operation.method, this.#operation(operation, path)])),
      ...(parameters.length > 0 ? { parameters } : {}),
    };
  }
}

export function openApiV2Document(resources: readonly OpenApiResource[], release: string): OpenApiSchema {
  const maker = new DocumentMaker(resources);
  const paths: OpenApiSchema = {};
  const operations = [...operationsOf(resources), ...rootOperations(resources).values()];
  for (const path of byPath(operations)) paths[path.path] = maker.path(path);
  const versions = new Map(resources.map(({ group, version }) => [`${group}/${version}`, { group, version }]));
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: apiVersionOf(release) },
    paths,
    definitions: {
      ...schemasOf({ roots: maker.roots, dialect: 2, groupVersions: [...versions.values()] }),
      ...Object.fromEntries(maker.custom),
    },
    securityDefinitions: {
      BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' },
    },
    security: [{ BearerToken: [] }],
  };
}

export const openApiV2ProtobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

/** Both forms of the v2 document of a set of served resources. Make a new one when the set changes. */
export class OpenApiV2 {
  readonly #resources: readonly OpenApiResource[];
  readonly #release: string;
  #json: Uint8Array | undefined;
  #protobuf: Uint8Array | undefined;
  #etag: string | undefined;

  constructor(resources: readonly OpenApiResource[], release: string) {
    this.#resources = resources;
    this.#release = release;
  }

  #document(body: Uint8Array, contentType: string): OpenApiDocument {
    this.#etag ??= fingerprint(this.#resources, this.#release);
    return { body, contentType, etag: `"${this.#etag}"` };
  }

  json(): OpenApiDocument {
    this.#json ??= Buffer.from(JSON.stringify(openApiV2Document(this.#resources, this.#release)));
    return this.#document(this.#json, 'application/json');
  }

  protobuf(): OpenApiDocument {
    this.#protobuf ??= encodeGnostic(openApiV2Document(this.#resources, this.#release));
    return this.#document(this.#protobuf, openApiV2ProtobufType);
  }
}
