// Hands the making of OpenAPI documents to a worker that lives for one document.
import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import type { ResourceInfo } from '../../api/resource-info.ts';
import { workerUrl } from '../../base/worker-url.ts';
import type { OpenApiResource } from '../../schema/openapi-operations.ts';
import { rootOperations } from '../../schema/openapi-roots.ts';
import { OpenApiV3 } from '../../schema/openapi-v3.ts';
import type { RemoteOpenApi } from './openapi-merge.ts';
import { gitVersion } from './version.ts';

/** `v2.json`, `v2.pb`, `v3` (the index), or `v3/apis/apps/v1` and its protobuf form `v3.pb/apis/apps/v1`. */
export type OpenApiName = 'v2.json' | 'v2.pb' | 'v3' | `v3/${string}` | `v3.pb/${string}`;

/** `apis/apps/v1` of the name of a v3 document. */
export function pathOf(name: OpenApiName): string | undefined {
  return name.startsWith('v3') && name !== 'v3' ? name.slice(name.indexOf('/') + 1) : undefined;
}

export interface OpenApiResult {
  readonly body: Uint8Array;
  readonly contentType: string;
  readonly etag: string;
}

export interface OpenApiTask {
  readonly name: OpenApiName;
  readonly resources: readonly OpenApiResource[];
  readonly release: string;
  /** Of servers behind us; for v2. */
  readonly remotes: readonly RemoteOpenApi[];
}

/** Only data can go to a worker. */
const plain = (resource: ResourceInfo): OpenApiResource => ({
  group: resource.group,
  version: resource.version,
  kind: resource.kind,
  listKind: resource.listKind,
  plural: resource.plural,
  namespaced: resource.namespaced,
  verbs: resource.verbs,
  subresources: resource.subresources,
  ...(resource.rules.returnsDeletedObject ? { returnsDeletedObject: true } : {}),
  typeName: resource.custom?.openApiName ?? resource.typeName,
  ...(resource.custom ? { schema: resource.custom.schema, schemaId: resource.custom.schemaId } : {}),
});

/** What a document is made from: schemas of other versions need not be copied. */
function neededFor(name: OpenApiName, resources: readonly ResourceInfo[]): readonly ResourceInfo[] {
  const path = pathOf(name);
  if (path === undefined) return resources;
  return resources.filter(({ group, version, custom }) => {
    if (!custom && group !== '' && path === `apis/${group}`) return true;
    return (group ? `apis/${group}/${version}` : `api/${version}`) === path;
  });
}

/** `remotes`: hashes of documents that other servers have, by `apis/GROUP/VERSION`. */
export function openApiIndex(resources: readonly ResourceInfo[], remotes: ReadonlyMap<string, string>): OpenApiResult {
  const own = new OpenApiV3(resources.map(plain), gitVersion).index();
  if (remotes.size === 0) return own;
  const { paths } = JSON.parse(Buffer.from(own.body).toString()) as { paths: Record<string, object> };
  for (const [path, hash] of remotes) paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` };
  const sorted = Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1)));
  const body = Buffer.from(JSON.stringify({ paths: sorted }));
  const etag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
  return { body, contentType: own.contentType, etag };
}

/** Whether a path of v3 is one that belongs to no version. */
export const isOpenApiRoot = (path: string, resources: readonly ResourceInfo[]): boolean =>
  rootOperations(resources.map(plain)).has(path);

export function makeOpenApi(
  name: OpenApiName,
  resources: readonly ResourceInfo[],
  remotes: readonly RemoteOpenApi[],
): Promise<OpenApiResult> {
  const task: OpenApiTask = { name, resources: neededFor(name, resources).map(plain), release: gitVersion, remotes };
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerUrl('openapi-worker'), { name: 'openapi', workerData: task });
    worker.once('message', (result: OpenApiResult) => {
      resolve({ ...result, body: Buffer.from(result.body.buffer, result.body.byteOffset, result.body.byteLength) });
      void worker.terminate();
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`the worker for ${name} ended without an answer`)));
  });
}
