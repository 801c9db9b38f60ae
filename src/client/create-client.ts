// Typed requests over any transport. Bodies are JSON; an answer that is an error is thrown as StatusError.
import type { DeleteOptions, ObjectMeta } from '../../generated/meta-v1.ts';
import { apiVersionOf, type KindRef, type KubernetesObject, type ObjectKey } from '../api/meta/object.ts';
import { isNotFound, StatusError } from '../api/meta/status-error.ts';
import type { Clock } from '../base/clock.ts';
import type {
  Client,
  List,
  ListOptions,
  PatchType,
  ResourceClient,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './client.ts';
import { splitLines } from './lines.ts';
import { itemPath, listPath, listQuery, withQuery } from './paths.ts';
import { statusFromAnswer } from './status-from-answer.ts';
import type { Transport, TransportRequest, TransportResponse } from './transport.ts';

export interface ClientOptions {
  /** `kube-controller-manager/v1.36.3`: named in audit and, up to the slash, as field manager. */
  readonly userAgent?: string;
  /** Given: requests refused with `Retry-After` are repeated, ten times at most. */
  readonly clock?: Clock;
}

// Gives each body a buffer of its own; Buffer.from would share one that a message port then copies whole.
const encoder = new TextEncoder();
const maxRetries = 10;
const patchTypes: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
};
const metadataAccept = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;

interface Call {
  readonly method: TransportRequest['method'];
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

/** A client whose requests go through `transport`; it owns nothing and needs no closing. */
export function createClient(transport: Transport, options: ClientOptions = {}): Client {
  const send = createSender(transport, options);
  const byKind = new WeakMap<object, unknown>();
  return {
    resource<T extends KubernetesObject>(kind: KindRef<T>) {
      const known = byKind.get(kind) as ResourceClient<T> | undefined;
      if (known) return known;
      const made = createResourceClient(kind, send);
      byKind.set(kind, made);
      return made;
    },
    getJson: async <R>(path: string, signal?: AbortSignal, accept?: string) =>
      parseJson(await (await send({ method: 'GET', path, signal, ...(accept ? { accept } : {}) })).bytes()) as R,
    deletePath: async (path, signal) => {
      await (await send({ method: 'DELETE', path, signal })).bytes();
    },
  };
}

type Send = (call: Call) => Promise<TransportResponse>;

/** Sends a call, repeats it when the server asks to come later, and throws what is an error. */
function createSender(transport: Transport, { userAgent, clock }: ClientOptions): Send {
  return async (call) => {
    const headers: Record<string, string> = { accept: call.accept ?? 'application/json' };
    if (userAgent) headers['user-agent'] = userAgent;
    const body = call.body === undefined ? undefined : encoder.encode(JSON.stringify(call.body));
    if (body) headers['content-type'] = call.contentType ?? 'application/json';
    const request: TransportRequest = {
      method: call.method,
      path: call.path,
      headers,
      ...(body ? { body } : {}),
      ...(call.signal ? { signal: call.signal } : {}),
    };
    for (let attempt = 0; ; attempt++) {
      const response = await transport.request(request);
      if (response.status < 300) return response;
      const content = await response.bytes();
      const retryAfterSeconds = Number(response.headers['retry-after']);
      const mayRetry = clock && attempt < maxRetries && (response.status === 429 || response.status >= 500);
      if (!mayRetry || !(retryAfterSeconds > 0)) throw statusFromAnswer(response.status, content, call);
      await clock.sleep(retryAfterSeconds * 1000, call.signal);
      call.signal?.throwIfAborted();
    }
  };
}

function createResourceClient<T extends KubernetesObject>(kind: KindRef<T>, send: Send): ResourceClient<T> {
  const apiVersion = apiVersionOf(kind);
  const acceptOne = kind.metadataOnly ? metadataAccept('PartialObjectMetadata') : 'application/json';
  const acceptList = kind.metadataOnly ? metadataAccept('PartialObjectMetadataList') : 'application/json';
  const read = async (call: Call) => parseJson(await (await send(call)).bytes()) as T;
  const write = (call: Call, options: WriteOptions | undefined) => read({ ...call, signal: options?.signal });

  const client: ResourceClient<T> = {
    get: (key, options) =>
      read({
        method: 'GET',
        path: withQuery(itemPath(kind, key), { resourceVersion: options?.resourceVersion }),
        accept: acceptOne,
        signal: options?.signal,
      }),
    async find(key, options) {
      try {
        return await client.get(key, options);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async list(options: ListOptions = {}) {
      const path = withQuery(listPath(kind, options.namespace), listQuery(options));
      const response = await send({ method: 'GET', path, accept: acceptList, signal: options.signal });
      const list = parseJson(await response.bytes()) as List<T>;
      // Items of a list do not repeat what the list says; those who read one item want to know.
      const items = (list.items ?? []).map((item) => ({ ...item, apiVersion, kind: kind.kind }));
      return { metadata: list.metadata ?? {}, items };
    },
    watch: (options) => watch<T>(kind, acceptOne, options, send),
    create: (object, options) => {
      const key = { namespace: object.metadata.namespace ?? '', name: object.metadata.name ?? '' };
      const path = options?.subresource ? itemPath(kind, key, options.subresource) : listPath(kind, key.namespace);
      const body = { apiVersion, kind: kind.kind, ...object };
      return write({ method: 'POST', path: withQuery(path, writeQuery(options)), body }, options);
    },
    update: (object, options) => {
      const key = { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
      const path = withQuery(itemPath(kind, key, options?.subresource), writeQuery(options));
      return write({ method: 'PUT', path, body: { apiVersion, kind: kind.kind, ...object } }, options);
    },
    patch: (key, patch, options) => {
      const query = { ...writeQuery(options), force: options.force ? 'true' : undefined };
      const path = withQuery(itemPath(kind, key, options.subresource), query);
      const contentType = patchTypes[options.type];
      return write({ method: 'PATCH', path, body: patch, contentType, accept: acceptOne }, options);
    },
    async delete(key, options = {}) {
      const { signal, ...rest } = options;
      await (await send({ method: 'DELETE', path: itemPath(kind, key), body: deleteBody(rest), signal })).bytes();
    },
    async deleteCollection(options) {
      const path = withQuery(listPath(kind, options.namespace), listQuery(options));
      const body = deleteBody(options.delete ?? {});
      await (await send({ method: 'DELETE', path, body, signal: options.signal })).bytes();
    },
    async post<R>(key: ObjectKey, subresource: string, body: unknown, options?: { signal?: AbortSignal }) {
      const call: Call = { method: 'POST', path: itemPath(kind, key, subresource), body, signal: options?.signal };
      return parseJson(await (await send(call)).bytes()) as R;
    },
  };
  return client;
}

async function* watch<T extends KubernetesObject>(
  kind: KindRef<T>,
  accept: string,
  options: WatchOptions,
  send: Send,
): AsyncGenerator<WatchEvent<T>> {
  const query = {
    ...listQuery(options),
    watch: 'true',
    allowWatchBookmarks: options.allowBookmarks ? 'true' : undefined,
    sendInitialEvents: options.sendInitialEvents ? 'true' : undefined,
    timeoutSeconds: options.timeoutSeconds?.toString(),
  };
  const path = withQuery(listPath(kind, options.namespace), query);
  const response = await send({ method: 'GET', path, accept, signal: options.signal });
  options.onOpen?.();
  for await (const line of splitLines(response.stream())) {
    const event = JSON.parse(line) as { type: string; object: { metadata: ObjectMeta } };
    if (event.type === 'ERROR') throw new StatusError(event.object as never);
    yield event as WatchEvent<T>;
  }
}

function writeQuery(options: WriteOptions | undefined) {
  return { dryRun: options?.dryRun ? 'All' : undefined, fieldManager: options?.fieldManager };
}

function deleteBody(options: DeleteOptions): unknown {
  return { apiVersion: 'v1', kind: 'DeleteOptions', ...options };
}

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
}
