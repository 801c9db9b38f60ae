// What can be done at which path, for OpenAPI documents: one list of operations, rendered by openapi-v2 and openapi-v3.
import { hasType, typeNameOf, typeOf } from './ir.ts';
import { patchName } from './openapi-schemas.ts';

/** What the documents need to know of a served resource; ResourceInfo has all of it. */
export interface OpenApiResource {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly subresources: readonly {
    readonly name: string;
    readonly group: string;
    readonly version: string;
    readonly kind: string;
    readonly verbs: readonly string[];
  }[];
  /** What a delete answers with: the object. Absent: a Status. */
  readonly returnsDeletedObject?: boolean;
  /** A type of the facts, or the name under which `schema` is put into the document. */
  readonly typeName: string;
  /** The schema of a custom resource, OpenAPI v3. */
  readonly schema?: Record<string, unknown>;
  /** Stands for the schema where that is only compared. */
  readonly schemaId?: string;
}

export type Method = 'get' | 'put' | 'post' | 'delete' | 'patch' | 'head' | 'options';

export interface QueryParameter {
  readonly name: string;
  readonly type: 'boolean' | 'integer' | 'string';
}

export interface Operation {
  readonly path: string;
  readonly method: Method;
  readonly action: string;
  readonly operationId: string;
  readonly tag: string;
  readonly gvk: { readonly group: string; readonly version: string; readonly kind: string } | undefined;
  readonly query: readonly QueryParameter[];
  /** Type names; undefined for operations whose content is free. */
  readonly body: string | undefined;
  readonly answer: string | undefined;
  readonly codes: readonly number[];
  readonly isStream: boolean;
  /** What is answered, where it is not what objects are answered in. */
  readonly contentTypes?: readonly string[];
  /** Answers text under every content type. */
  readonly isText?: boolean;
}

const booleans = new Set([
  'allowWatchBookmarks',
  'force',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'sendInitialEvents',
  'watch',
]);
const integers = new Set(['gracePeriodSeconds', 'limit', 'timeoutSeconds']);

function parameters(names: readonly string[]): QueryParameter[] {
  return names.map((name) => ({
    name,
    type: booleans.has(name) ? 'boolean' : integers.has(name) ? 'integer' : 'string',
  }));
}

/** The fields of an options kind, each a query parameter. */
function optionParameters(typeName: string): QueryParameter[] {
  return typeOf(typeName)
    .jsonFields.filter((field) => field.name !== 'apiVersion' && field.name !== 'kind' && field.kind !== 'time')
    .map((field) => ({
      name: field.name,
      type: field.kind === 'bool' ? 'boolean' : field.kind.startsWith('int') ? 'integer' : 'string',
    }));
}

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const writeNames = ['dryRun', 'fieldManager', 'fieldValidation'];
const selectNames = [
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'timeoutSeconds',
];
const deleteNames = [
  'dryRun',
  'gracePeriodSeconds',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'propagationPolicy',
];
const writeQuery = parameters(writeNames);
const patchQuery = parameters([...writeNames, 'force']);
const listQuery = parameters(['allowWatchBookmarks', ...selectNames, 'watch']);
const deleteQuery = parameters(deleteNames);
const collectionQuery = parameters([...selectNames, ...deleteNames].sort());
const patchContent = [
  'application/apply-patch+yaml',
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
];

/** What PATCH takes for this resource: a strategic merge needs a type of ours. */
export const patchContentOf = (typeName: string): string[] =>
  hasType(typeName) ? patchContent : patchContent.slice(0, 3);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `rbac.authorization.k8s.io` and `v1` → `RbacAuthorizationV1`. */
export function groupId(group: string, version: string): string {
  const parts = group === '' ? ['core'] : group.replace(/\.k8s\.io$/, '').split(/[.-]/);
  return parts.map(capital).join('') + capital(version);
}

export function tagOf(group: string, version: string): string {
  const id = groupId(group, '');
  return `${id.charAt(0).toLowerCase()}${id.slice(1)}_${version}`;
}

export const basePath = (group: string, version: string): string =>
  group === '' ? `/api/${version}` : `/apis/${group}/${version}`;

const camel = (text: string): string => text.split('-').map(capital).join('');

/** A list type stands beside its element's. */
function listTypeOf(resource: OpenApiResource): string {
  return `${resource.typeName.slice(0, resource.typeName.lastIndexOf('.') + 1)}${resource.listKind}`;
}

class OperationMaker {
  readonly operations: Operation[] = [];
  readonly #resource: OpenApiResource;
  readonly #scope: string;
  readonly #id: string;
  readonly #verbs: ReadonlySet<string>;

  constructor(resource: OpenApiResource) {
    this.#resource = resource;
    this.#scope = resource.namespaced ? 'Namespaced' : '';
    this.#id = groupId(resource.group, resource.version);
    this.#verbs = new Set(resource.verbs);
  }

  #add(operation: Partial<Operation> & Pick<Operation, 'path' | 'method' | 'action' | 'operationId'>): void {
    const { group, version, kind, typeName } = this.#resource;
    this.operations.push({
      tag: tagOf(group, version),
      gvk: { group, version, kind },
      query: [],
      body: undefined,
      answer: typeName,
      codes: [200],
      isStream: false,
      ...operation,
    });
  }

  #watch(path: string, suffix: string, action: string): void {
    if (!this.#verbs.has('watch')) return;
    this.#add({
      path,
      method: 'get',
      action,
      operationId: `watch${this.#id}${suffix}`,
      query: listQuery,
      answer: `${meta}.WatchEvent`,
      isStream: true,
    });
  }

  run(): void {
    const { group, version, kind, plural, namespaced, typeName, subresources } = this.#resource;
    const base = basePath(group, version);
    const collection = namespaced ? `${base}/namespaces/{namespace}/${plural}` : `${base}/${plural}`;
    const watched = collection.replace(base, `${base}/watch`);
    const has = (verb: string): boolean => this.#verbs.has(verb);
    if (has('list')) {
      const list = {
        method: 'get',
        action: 'list',
        query: listQuery,
        answer: listTypeOf(this.#resource),
        isStream: true,
      } as const;
      this.#add({ ...list, path: collection, operationId: `list${this.#id}${this.#scope}${kind}` });
      this.#watch(watched, `${this.#scope}${kind}List`, 'watchlist');
      if (namespaced) {
        this.#add({ ...list, path: `${base}/${plural}`, operationId: `list${this.#id}${kind}ForAllNamespaces` });
        this.#watch(`${base}/watch/${plural}`, `${kind}ListForAllNamespaces`, 'watchlist');
      }
    }
    if (has('create')) {
      const operationId = `create${this.#id}${this.#scope}${kind}`;
      this.#add({
        path: collection,
        method: 'post',
        action: 'post',
        operationId,
        query: writeQuery,
        body: typeName,
        codes: [200, 201, 202],
      });
    }
    if (has('deletecollection')) {
      this.#add({
        path: collection,
        method: 'delete',
        action: 'deletecollection',
        operationId: `delete${this.#id}Collection${this.#scope}${kind}`,
        query: collectionQuery,
        body: `${meta}.DeleteOptions`,
        answer: `${meta}.Status`,
      });
    }
    const item = `${collection}/{name}`;
    this.#item(item, '', typeName, this.#verbs);
    if (has('get')) this.#watch(`${watched}/{name}`, `${this.#scope}${kind}`, 'watch');
    for (const subresource of subresources) this.#subresource(`${item}/${subresource.name}`, subresource);
  }

  /** get, put, patch and delete of an object, or of a part of it. */
  #item(path: string, part: string, typeName: string, verbs: ReadonlySet<string>, gvk?: Operation['gvk']): void {
    const name = `${this.#id}${this.#scope}${this.#resource.kind}${part}`;
    const shared = { path, answer: typeName, ...(gvk ? { gvk } : {}) };
    if (verbs.has('get')) this.#add({ ...shared, method: 'get', action: 'get', operationId: `read${name}` });
    if (verbs.has('update')) {
      const codes = [200, 201];
      this.#add({
        ...shared,
        method: 'put',
        action: 'put',
        operationId: `replace${name}`,
        query: writeQuery,
        body: typeName,
        codes,
      });
    }
    if (verbs.has('patch')) {
      this.#add({
        ...shared,
        method: 'patch',
        action: 'patch',
        operationId: `patch${name}`,
        query: patchQuery,
        body: patchName,
        codes: [200, 201],
      });
    }
    if (verbs.has('delete')) {
      this.#add({
        ...shared,
        method: 'delete',
        action: 'delete',
        operationId: `delete${name}`,
        query: deleteQuery,
        body: `${meta}.DeleteOptions`,
        answer: this.#resource.returnsDeletedObject ? typeName : `${meta}.Status`,
        codes: [200, 202],
      });
    }
  }

  #connect(path: string, name: string, gvk: NonNullable<Operation['gvk']>): void {
    const isProxy = name === 'proxy';
    const methods: Method[] = isProxy ? ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'] : ['get', 'post'];
    const typeName = typeNameOf(gvk);
    const query = typeName ? optionParameters(typeName) : [];
    for (const method of methods) {
      const operationId = `connect${this.#id}${capital(method)}${this.#scope}${this.#resource.kind}${camel(name)}`;
      const operation = { method, action: 'connect', gvk, query, answer: undefined } as const;
      this.#add({ ...operation, path, operationId });
      if (isProxy) this.#add({ ...operation, path: `${path}/{path}`, operationId: `${operationId}WithPath` });
    }
  }

  #subresource(path: string, subresource: OpenApiResource['subresources'][number]): void {
    const { group, version, kind, name } = subresource;
    const gvk = { group, version, kind };
    const part = name.split('/').map(camel).join('');
    if (name === 'log') {
      const operationId = `read${this.#id}${this.#scope}${this.#resource.kind}Log`;
      const query = optionParameters('io.k8s.api.core.v1.PodLogOptions');
      this.#add({ path, method: 'get', action: 'get', operationId, query, answer: undefined, isText: true });
      return;
    }
    if (kind.endsWith('Options')) {
      this.#connect(path, name, gvk);
      return;
    }
    // The status of a custom resource has the resource's own kind, which no fact knows.
    const typeName = typeNameOf(gvk) ?? this.#resource.typeName;
    const verbs = new Set(subresource.verbs);
    if (verbs.has('create')) {
      const operationId = `create${this.#id}${this.#scope}${this.#resource.kind}${part}`;
      const shared = { path, method: 'post', action: 'post', operationId, gvk } as const;
      this.#add({ ...shared, query: writeQuery, body: typeName, answer: typeName, codes: [200, 201, 202] });
    }
    this.#item(path, part, typeName, verbs, gvk);
  }
}

/** All operations of the resources, and the discovery document of each of their versions. */
export function operationsOf(resources: readonly OpenApiResource[]): Operation[] {
  const operations: Operation[] = [];
  const versions = new Set<string>();
  for (const resource of resources) {
    const { group, version } = resource;
    if (!versions.has(`${group}/${version}`)) {
      versions.add(`${group}/${version}`);
      operations.push({
        path: `${basePath(group, version)}/`,
        method: 'get',
        action: '',
        operationId: `get${groupId(group, version)}APIResources`,
        tag: tagOf(group, version),
        gvk: undefined,
        query: [],
        body: undefined,
        answer: `${meta}.APIResourceList`,
        codes: [200],
        isStream: false,
      });
    }
    const maker = new OperationMaker(resource);
    maker.run();
    operations.push(...maker.operations);
  }
  return operations;
}

/** A path with its operations, and the query parameters that all of them share. */
export interface PathOperations {
  readonly path: string;
  readonly operations: readonly Operation[];
  /** Names in braces. */
  readonly pathNames: readonly string[];
  readonly shared: readonly QueryParameter[];
}

function pathOf(path: string, operations: readonly Operation[]): PathOperations {
  const pathNames = [...path.matchAll(/\{([a-z]+)\}/g)].map((match) => match[1]!);
  const common = operations[0]!.query.filter(({ name }) =>
    operations.every((operation) => operation.query.some((other) => other.name === name)),
  );
  const isPretty = operations.some(({ action }) => action !== '' && action !== 'connect');
  return { path, operations, pathNames, shared: isPretty ? [...common, ...parameters(['pretty'])] : common };
}

/** The query parameters of an operation that its path does not name already. */
export const ownQuery = (operation: Operation, { shared }: PathOperations): QueryParameter[] =>
  operation.query.filter(({ name }) => !shared.some((other) => other.name === name));

/** Operations by path, in the order of paths. */
export function byPath(operations: readonly Operation[]): PathOperations[] {
  const paths = Map.groupBy(operations, ({ path }) => path);
  return [...paths].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, list]) => pathOf(path, list));
}
