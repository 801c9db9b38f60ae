// /openapi/v2 and /openapi/v3. Documents are made in a worker when somebody first asks: that is long work, and what it
// leaves behind in memory goes with the worker.

import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Remotes } from '../aggregation/served-groups.ts';
import type { Answer, BytesAnswer } from '../http/answer.ts';
import { header, type ServerRequest } from '../http/exchange.ts';
import { wantsGzip } from '../http/respond.ts';
import type { ResourceTable } from '../registry/resource-table.ts';
import {
  isOpenApiRoot,
  makeOpenApi,
  type OpenApiName,
  type OpenApiResult,
  openApiIndex,
  pathOf,
} from './openapi-make.ts';
import type { RemoteOpenApi } from './openapi-merge.ts';

interface Made extends OpenApiResult {
  readonly gzipped: Uint8Array;
}

const gzipAsync = promisify(gzip);
const protobufTypesV3 = ['com.github.proto-openapi.spec.v3'];
const protobufTypes = ['com.github.proto-openapi.spec.v2', 'com.github.googleapis.gnostic.OpenAPIv2'];

export class OpenApi {
  readonly #table: ResourceTable;
  readonly #remotes: Remotes | undefined;
  readonly #made = new Map<OpenApiName, Promise<Made | undefined>>();
  #generation = -1;

  constructor(table: ResourceTable, remotes?: Remotes) {
    this.#table = table;
    this.#remotes = remotes;
  }

  /** Undefined: there is no such document. */
  async answer(
    request: ServerRequest,
    segments: readonly string[],
    query: URLSearchParams,
  ): Promise<Answer | undefined> {
    const name = nameOf(request, segments);
    if (!name) return undefined;
    const path = pathOf(name);
    const elsewhere = path === undefined ? undefined : this.#remotes?.openApi(request, placeOf(path));
    if (elsewhere) return elsewhere;
    if (path !== undefined && !this.#has(path)) return empty(404);
    if (name !== 'v3' && !isTaken(request, path === undefined ? protobufTypes : protobufTypesV3)) return refusal(name);
    const document = await this.#document(name);
    if (name === 'v3' && document) return index(document);
    return document && this.#respond(request, name, document, query);
  }

  #has(path: string): boolean {
    const { group, version } = placeOf(path);
    return this.#table.hasVersion(group, version) || isOpenApiRoot(path, this.#table.all());
  }

  #document(name: OpenApiName): Promise<Made | undefined> {
    const generation = this.#table.generation + (this.#remotes?.generation ?? 0);
    if (this.#generation !== generation) {
      this.#made.clear();
      this.#generation = generation;
    }
    let made = this.#made.get(name);
    if (!made) {
      made = this.#make(name);
      this.#made.set(name, made);
      // A failure is not remembered.
      made.catch(() => this.#made.delete(name));
    }
    return made;
  }

  async #make(name: OpenApiName): Promise<Made | undefined> {
    // The index is made from names alone, and is small.
    const { hashes, documents } = this.#ofRemotes();
    const all = this.#table.all();
    const result = name === 'v3' ? openApiIndex(all, hashes) : await makeOpenApi(name, all, documents);
    return { ...result, gzipped: await gzipAsync(result.body) };
  }

  #ofRemotes() {
    const hashes = new Map<string, string>();
    const documents: RemoteOpenApi[] = [];
    for (const { group, version, openApiHash, openApiV2 } of this.#remotes?.versions() ?? []) {
      if (openApiHash) hashes.set(group ? `apis/${group}/${version}` : `api/${version}`, openApiHash);
      if (openApiV2) documents.push({ group, version, document: openApiV2 });
    }
    return { hashes, documents };
  }

  #respond(request: ServerRequest, name: OpenApiName, document: Made, query: URLSearchParams): BytesAnswer {
    const { body, contentType, etag, gzipped } = document;
    const hash = query.get('hash');
    const isCurrent = hash !== null && `"${hash}"` === etag;
    if (hash && !isCurrent) return elsewhere(request, etag);
    const headers = {
      etag,
      ...varyOf(name),
      'cache-control': isCurrent ? 'public, immutable' : 'no-cache, private',
      ...(isCurrent ? { expires: 'Tue, 19 Jan 2038 03:14:07 GMT' } : {}),
    };
    if (header(request, 'if-none-match') === etag) {
      return { type: 'bytes', status: 304, contentType, body: new Uint8Array(), headers };
    }
    if (!wantsGzip(request)) return { type: 'bytes', status: 200, contentType, body, headers };
    return {
      type: 'bytes',
      status: 200,
      contentType,
      body: gzipped,
      headers: { ...headers, 'content-encoding': 'gzip' },
    };
  }
}

/** The list of documents is plain, and not kept. */
function index({ body }: Made): BytesAnswer {
  return { type: 'bytes', status: 200, contentType: 'text/plain; charset=utf-8', body };
}

/** `apis/apps/v1` or `api/v1`; other paths name no version that could be there. */
function placeOf(path: string): { group: string; version: string } {
  const [root, group = '', version = '', ...rest] = path.split('/');
  if (root === 'api') return { group: '', version: version ? '' : group };
  const isNamed = root === 'apis' && group !== '' && rest.length === 0;
  return isNamed ? { group, version } : { group: '', version: '' };
}

const empty = (status: number): BytesAnswer => ({
  type: 'bytes',
  status,
  contentType: 'text/plain; charset=utf-8',
  body: new Uint8Array(),
});

const varyOf = (name: OpenApiName) => ({ vary: name.startsWith('v3') ? 'Accept' : ['Accept', 'Accept-Encoding'] });

function refusal(name: OpenApiName): BytesAnswer {
  const headers = name.startsWith('v3') ? {} : varyOf(name);
  return { type: 'bytes', status: 406, contentType: 'text/plain; charset=utf-8', body: new Uint8Array(), headers };
}

/** Who asks for a document that is no longer is shown the one that is. */
function elsewhere(request: ServerRequest, etag: string): BytesAnswer {
  const [path] = request.url.split('?');
  const location = `${path}?hash=${etag.replaceAll('"', '')}`;
  const headers = { location, vary: 'Accept' };
  return { type: 'bytes', status: 301, contentType: 'application/json', body: new Uint8Array(), headers };
}

/** Whether the header takes the document at all, by its own type or by a range. */
function isTaken(request: ServerRequest, own: readonly string[]): boolean {
  const accept = header(request, 'accept');
  const all = ['*/*', 'application/*', 'application/json'];
  if (accept === '' || own.some((type) => accept.includes(type))) return true;
  return accept.split(',').some((clause) => all.includes(clause.split(';')[0]!.trim().toLowerCase()));
}

function nameOf(request: ServerRequest, [, kind, ...rest]: readonly string[]): OpenApiName | undefined {
  const accept = header(request, 'accept');
  if (kind === 'v3' && rest.length > 0) {
    return `${protobufTypesV3.some((type) => accept.includes(type)) ? 'v3.pb' : 'v3'}/${rest.join('/')}`;
  }
  if (kind === 'v3') return 'v3';
  if (kind !== 'v2' || rest.length > 0) return undefined;
  return protobufTypes.some((type) => accept.includes(type)) ? 'v2.pb' : 'v2.json';
}
