// The one place that knows how an answer looks on the wire: media types, warnings, compression, errors.

import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import { internalError, StatusError } from '../../api/meta/status-error.ts';
import type { Logger } from '../../base/log.ts';
import { stringify } from '../../schema/codec.ts';
import { encodeProtobuf, wrapProtobuf } from '../../schema/protobuf.ts';
import { contentTypes, type MediaType, mediaForStatus } from './accept.ts';
import type { Answer, AnswerHeaders, BytesAnswer, StreamAnswer } from './answer.ts';
import { type BodySink, header, type ServerRequest, type ServerResponse } from './exchange.ts';
import { statusOfStoreError } from './store-error.ts';
import { toYaml } from './yaml.ts';

const gzipAsync = promisify(gzip);
const compressFromBytes = 128 * 1024;
const gzipLevel = constants.Z_BEST_SPEED;

export interface ResponseExtras {
  readonly warnings: readonly string[];
  readonly headers: AnswerHeaders;
  readonly isPretty: boolean;
}

/** Go's rule for `Warning` texts: quoted, with backslashes before quotes and backslashes. */
function warningHeader(text: string): string {
  let clean = '';
  // Headers are written byte by byte: what is beyond ASCII goes as the bytes of its UTF-8.
  for (const char of text) {
    const code = char.codePointAt(0)!;
    clean += code < 0x20 || code === 0x7f ? ' ' : code < 0x80 ? char : Buffer.from(char).toString('latin1');
  }
  return `299 - "${clean.replace(/["\\]/g, '\\$&')}"`;
}

const maxWarningBytes = 4096;

function headersOf(extras: ResponseExtras): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = {
    'cache-control': 'no-cache, private',
    ...extras.headers,
  };
  if (extras.warnings.length > 0) {
    let left = maxWarningBytes;
    headers['warning'] = [...new Set(extras.warnings)].map(warningHeader).filter((text) => {
      left -= text.length;
      return left >= 0;
    });
  }
  return headers;
}

/** An object as bytes of a media type. */
export async function render(object: any, typeName: string, media: MediaType, isPretty = false): Promise<Uint8Array> {
  if (media === 'protobuf') {
    return wrapProtobuf(object.apiVersion ?? '', object.kind ?? '', encodeProtobuf(typeName, object));
  }
  if (media === 'yaml') return Buffer.from(await toYaml(object));
  return Buffer.from(isPretty ? JSON.stringify(object, undefined, 2) : `${stringify(typeName, object)}\n`);
}

export function statusOf(error: unknown, log: Logger): StatusError {
  if (error instanceof StatusError) return error;
  const ofStore = statusOfStoreError(error);
  if (ofStore) return ofStore;
  log.error('a request failed unexpectedly', error);
  return internalError('an unexpected failure, see the log of the API server', error);
}

const statusType = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';

export async function respond(
  request: ServerRequest,
  response: ServerResponse,
  answer: Answer,
  extras: ResponseExtras,
): Promise<void> {
  switch (answer.type) {
    case 'taken':
      return;
    case 'object': {
      const media = mediaForStatus(header(request, 'accept')) ?? 'json';
      const body = await render(answer.object, answer.typeName, media, extras.isPretty);
      const rest = answer.headers ? { headers: answer.headers } : {};
      return sendBytes(
        request,
        response,
        { type: 'bytes', status: answer.status, contentType: contentTypes[media], body, ...rest },
        extras,
      );
    }
    case 'bytes':
      return sendBytes(request, response, answer, extras);
    case 'stream':
      return sendStream(request, response, answer, extras);
  }
}

/** An error as a Status object, in a form the client reads. */
export async function respondError(
  request: ServerRequest,
  response: ServerResponse,
  error: StatusError,
  extras: ResponseExtras,
): Promise<void> {
  const accepted = mediaForStatus(header(request, 'accept'));
  const media = accepted ?? 'json';
  // Who takes none of our types is taken for a person.
  const body = await render(error.status, statusType, media, extras.isPretty || !accepted);
  const retry = error.status.details?.retryAfterSeconds;
  const headers: Record<string, string> = retry ? { 'retry-after': String(retry) } : {};
  // The rest of the body is not read, so that nothing can follow it on this connection.
  if (error.code === 413) headers['connection'] = 'close';
  await sendBytes(
    request,
    response,
    { type: 'bytes', status: error.code, contentType: contentTypes[media], body, headers },
    extras,
  );
}

export function wantsGzip(request: ServerRequest): boolean {
  return /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(header(request, 'accept-encoding'));
}

async function sendBytes(
  request: ServerRequest,
  response: ServerResponse,
  answer: BytesAnswer,
  extras: ResponseExtras,
): Promise<void> {
  const headers = headersOf(extras);
  Object.assign(headers, answer.headers);
  if (answer.status === 204 || answer.status === 304) {
    response.head(answer.status, headers);
    response.end();
    return;
  }
  headers['content-type'] = answer.contentType;
  let body = answer.body;
  if (body.length >= compressFromBytes && wantsGzip(request)) {
    body = await gzipAsync(body, { level: gzipLevel });
    headers['content-encoding'] = 'gzip';
    headers['vary'] = 'Accept-Encoding';
  }
  headers['content-length'] = String(body.length);
  response.head(answer.status, headers);
  if (request.method === 'HEAD') response.end();
  else response.end(body);
}

async function sendStream(
  request: ServerRequest,
  response: ServerResponse,
  answer: StreamAnswer,
  extras: ResponseExtras,
): Promise<void> {
  const headers = headersOf(extras);
  Object.assign(headers, answer.headers, { 'content-type': answer.contentType });
  const compresses =
    !answer.isLive && (answer.lengthBytes ?? compressFromBytes) >= compressFromBytes && wantsGzip(request);
  if (compresses) {
    headers['content-encoding'] = 'gzip';
    headers['vary'] = 'Accept-Encoding';
  } else if (answer.lengthBytes !== undefined) {
    headers['content-length'] = String(answer.lengthBytes);
  }
  response.head(answer.status, headers);
  try {
    if (compresses) await writeCompressed(response, answer);
    else await answer.write(response);
  } catch (error) {
    // The head is sent, so that all that is left is to break off: the client must not take half a list for a whole.
    response.destroy();
    throw error;
  }
  response.end();
}

async function writeCompressed(response: ServerResponse, answer: StreamAnswer): Promise<void> {
  const zip = createGzip({ level: gzipLevel, chunkSize: 64 * 1024 });
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  zip.on('error', failed.reject);
  const pumping = (async () => {
    for await (const chunk of zip) {
      if (response.isClosed) return;
      if (!response.write(chunk as Uint8Array)) await response.drained();
    }
  })();
  const sink: BodySink = {
    get isClosed() {
      return response.isClosed;
    },
    write: (chunk, written) =>
      zip.write(chunk, (error) => {
        if (!error) written?.();
      }),
    drained: () => (response.isClosed ? Promise.resolve() : new Promise((resolve) => zip.once('drain', resolve))),
  };
  try {
    await Promise.race([answer.write(sink), failed.promise]);
    zip.end();
    await pumping;
  } finally {
    zip.destroy();
  }
}
