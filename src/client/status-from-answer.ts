import type { Status } from '../../generated/meta-v1.ts';
import { StatusError } from '../api/meta/status-error.ts';

/** Reason and message by code, where the answer tells no more; `''`: the text of the answer is the message. */
const known: Readonly<Record<number, readonly [reason: string, message: string]>> = {
  400: ['BadRequest', 'the server rejected our request for an unknown reason'],
  401: ['Unauthorized', 'the server has asked for the client to provide credentials'],
  403: ['Forbidden', ''],
  404: ['NotFound', 'the server could not find the requested resource'],
  405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
  406: ['NotAcceptable', ''],
  409: ['Conflict', 'the server reported a conflict'],
  410: ['Gone', ''],
  413: ['RequestEntityTooLarge', ''],
  415: ['UnsupportedMediaType', ''],
  422: ['Invalid', 'the server rejected our request due to an error in our request'],
  429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
  503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  504: [
    'Timeout',
    'the server was unable to return a response in the time allotted, but may still be processing the request',
  ],
};
const maxTextLength = 2048;

export interface AskedFor {
  readonly method: string;
  /** With its query or without. */
  readonly path: string;
}

/**
 * The error an answer stands for: the `Status` in its body or, from a proxy that knows none, one made of its code in
 * client-go's words.
 */
export function statusFromAnswer(code: number, body: Uint8Array, asked: AskedFor): StatusError {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (text.startsWith('{')) {
    try {
      const status = JSON.parse(text) as Status;
      if (status.kind === 'Status') return new StatusError({ ...status, code: status.code ?? code });
    } catch {
      // Not JSON after all: the text itself is the best there is.
    }
  }
  const said = text.slice(0, maxTextLength).trim() || 'unknown';
  const [reason, words] =
    known[code] ?? (code >= 500 ? ['InternalError', serverError(said)] : ['Unknown', unknown(code)]);
  const message = (words || said) + subjectOf(asked);
  const causes = [{ reason: 'UnexpectedServerResponse', message: said }];
  return new StatusError({ metadata: {}, status: 'Failure', message, reason, details: { causes }, code });
}

const serverError = (said: string) =>
  `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`;
const unknown = (code: number) =>
  `the server responded with the status code ${code} but did not return more information`;

/** ` (get pods.metrics.k8s.io web-0)`; nothing where no resource was asked for. */
function subjectOf({ method, path }: AskedFor): string {
  const parts = path.split('?', 1)[0]!.split('/').slice(1).map(decodeURIComponent);
  const group = parts[0] === 'apis' ? parts[1] : '';
  const rest = parts.slice(parts[0] === 'apis' ? 3 : 2);
  const [resource, name] = rest[0] === 'namespaces' && rest.length > 2 ? rest.slice(2) : rest;
  if (!resource) return '';
  return ` (${method.toLowerCase()} ${group ? `${resource}.${group}` : resource}${name ? ` ${name}` : ''})`;
}
