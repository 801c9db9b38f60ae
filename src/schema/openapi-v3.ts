// OpenAPI v3: one document for each group version, and the index that names them. Made when first asked for.
import { createHash } from 'node:crypto';
import { hasType } from './ir.ts';
import { customRoots, customSchemas } from './openapi-custom.ts';
import { descriptionsHash } from './openapi-descriptions.ts';
import { encodeGnosticV3, openApiV3ProtobufType } from './openapi-gnostic-v3.ts';
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

export type { OpenApiResource } from './openapi-operations.ts';

export interface OpenApiDocument {
  readonly body: Uint8Array;
  readonly contentType: string;
  /** With its quotes. */
  readonly etag: string;
}

const answerTypes = ['application/json', 'application/vnd.kubernetes.protobuf', 'application/yaml'];
const streamTypes = ['application/json;stream=watch', 'application/vnd.kubernetes.protobuf;stream=watch'];

const queryParameter = ({ name, type }: QueryParameter): OpenApiSchema => ({
  name,
  in: 'query',
  schema: { type, uniqueItems: true },
});

const pathParameter = (name: string): OpenApiSchema => ({
  name,
  in: 'path',
  required: true,
  schema: { type: 'string', uniqueItems: true },
});

const isReferable = (name: string, custom: ReadonlySet<string>): boolean =>
  name === patchName || hasType(name) || custom.has(name);

const byName = (a: OpenApiSchema, b: OpenApiSchema): number => (String(a['name']) < String(b['name']) ? -1 : 1);

class DocumentMaker {
  readonly #custom: Map<string, OpenApiSchema>;
  readonly #customNames: Set<string>;
  readonly #roots = new Set<string>();

  constructor(resources: readonly OpenApiResource[]) {
    this.#custom = customSchemas(resources, 3);
    this.#customNames = new Set(this.#custom.keys());
    if (this.#custom.size > 0) for (const name of customRoots) this.#roots.add(name);
  }

  #schema(name: string): OpenApiSchema {
    if (!isReferable(name, this.#customNames)) return { type: 'object' };
    if (!this.#customNames.has(name)) this.#roots.add(name);
    return schemaReference(name, 3);
  }

  #content(operation: Operation): OpenApiSchema {
    const text = { type: 'string' };
    if (operation.contentTypes) {
      const schema = operation.answer === undefined ? text : this.#schema(operation.answer);
      return Object.fromEntries(operation.contentTypes.map((type) => [type, { schema }]));
    }
    if (operation.answer === undefined && !operation.isText) return { '*/*': { schema: text } };
    const schema = operation.answer === undefined ? text : this.#schema(operation.answer);
    const types = operation.isStream
      ? [...answerTypes, ...streamTypes]
      : operation.isText
        ? [...answerTypes, 'text/plain']
        : answerTypes;
    return Object.fromEntries(types.map((type) => [type, { schema }]));
  }

  #operation(operation: Operation, path: PathOperations): OpenApiSchema {
    const { body, codes, gvk, action, operationId, tag } = operation;
    const query = ownQuery(operation, path).map(queryParameter);
    const content = this.#content(operation);
    const descriptions: Record<number, string> = { 200: 'OK', 201: 'Created', 202: 'Accepted' };
    const answers = codes.map((code) => [String(code), { description: descriptions[code], content }] as const);
    const bodyTypes = body === patchName ? patchContentOf(operation.answer ?? '') : ['*/*'];
    const bodySchema = body === undefined ? undefined : this.#schema(body);
    return {
      tags: [tag],
      operationId,
      ...(query.length > 0 ? { parameters: query } : {}),
      ...(bodySchema
        ? {
            requestBody: {
              content: Object.fromEntries(bodyTypes.map((type) => [type, { schema: bodySchema }])),
              ...(body?.endsWith('.DeleteOptions') ? {} : { required: true }),
            },
          }
        : {}),
      responses: { ...Object.fromEntries(answers), 401: { description: 'Unauthorized' } },
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

  schemas(groupVersions: readonly { group: string; version: string }[]): OpenApiSchema {
    const known = schemasOf({ roots: this.#roots, dialect: 3, groupVersions });
    return { ...known, ...Object.fromEntries(this.#custom) };
  }
}

/** `v1.36.3` → `1.36`: what documents call the version of the API. */
export const apiVersionOf = (release: string): string => release.replace(/^v(\d+\.\d+).*/, '$1');

function documentOf(
  resources: readonly OpenApiResource[],
  operations: readonly Operation[],
  release: string,
): OpenApiSchema {
  const maker = new DocumentMaker(resources);
  const paths: OpenApiSchema = {};
  for (const path of byPath(operations)) paths[path.path] = maker.path(path);
  const schemas = maker.schemas(resources.slice(0, 1));
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: apiVersionOf(release) },
    paths,
    components: {
      ...(Object.keys(schemas).length > 0 ? { schemas } : {}),
      securitySchemes: {
        BearerToken: {
          description: 'Bearer Token authentication',
          type: 'apiKey',
          name: 'authorization',
          in: 'header',
        },
      },
    },
  };
}

/** The document of one group version. */
export const openApiV3Document = (resources: readonly OpenApiResource[], release: string): OpenApiSchema =>
  documentOf(resources, operationsOf(resources), release);

/** Changes when what the document is made from does; the document need not exist for it. */
export function fingerprint(resources: readonly OpenApiResource[], release: string): string {
  const facts = resources.map((item) => [
    item.group,
    item.version,
    item.kind,
    item.listKind,
    item.plural,
    item.namespaced,
    item.verbs,
    item.subresources,
    item.typeName,
    item.schemaId ?? item.schema ?? null,
  ]);
  return createHash('sha256')
    .update(JSON.stringify([release, descriptionsHash(), facts]))
    .digest('hex')
    .toUpperCase();
}

/** `api/v1`, `apis/apps/v1`: how the index names a group version. */
const indexName = (resource: { group: string; version: string }): string =>
  resource.group === '' ? `api/${resource.version}` : `apis/${resource.group}/${resource.version}`;

/** All v3 documents of a set of served resources. Make a new one when the set changes. */
export class OpenApiV3 {
  readonly #release: string;
  readonly #groups = new Map<string, OpenApiResource[]>();
  readonly #roots: ReadonlyMap<string, Operation>;

  constructor(resources: readonly OpenApiResource[], release: string) {
    this.#release = release;
    this.#roots = rootOperations(resources);
    for (const resource of resources) {
      const name = indexName(resource);
      const group = this.#groups.get(name);
      if (group) group.push(resource);
      else this.#groups.set(name, [resource]);
    }
  }

  #hash(name: string): string {
    const resources = this.#groups.get(name);
    return fingerprint(resources ?? [], resources ? this.#release : `${this.#release} ${name}`);
  }

  /** The answer to /openapi/v3. */
  index(): OpenApiDocument {
    const paths: OpenApiSchema = {};
    for (const name of [...this.#groups.keys(), ...this.#roots.keys()].sort()) {
      paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${this.#hash(name)}` };
    }
    const body = Buffer.from(JSON.stringify({ paths }));
    const etag = `"${createHash('sha256').update(body).digest('hex').toUpperCase()}"`;
    return { body, contentType: 'application/json', etag };
  }

  #make(name: string): OpenApiSchema | undefined {
    const resources = this.#groups.get(name);
    if (resources) return openApiV3Document(resources, this.#release);
    const root = this.#roots.get(name);
    return root && documentOf([], [root], this.#release);
  }

  /** The answer to /openapi/v3/NAME, with the name as the index has it; undefined where there is none. */
  find(name: string, form: 'json' | 'protobuf' = 'json'): OpenApiDocument | undefined {
    const document = this.#make(name);
    if (!document) return undefined;
    const etag = `"${this.#hash(name)}"`;
    if (form === 'protobuf') return { body: encodeGnosticV3(document), contentType: openApiV3ProtobufType, etag };
    return { body: Buffer.from(JSON.stringify(document)), contentType: 'application/json', etag };
  }
}
