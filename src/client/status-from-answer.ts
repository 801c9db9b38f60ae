import type { Status } from '../../generated/meta-v1.ts';
import { StatusError } from '../api/meta/status-error.ts';

const reasons: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The error an answer stands for: the `Status` in its body or, from a proxy that knows none, one made of its code. */
export function statusFromAnswer(code: number, body: Uint8Array): StatusError {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  if (text.startsWith('{')) {
    try {
      const status = JSON.parse(text) as Status;
      if (status.kind === 'Status') return new StatusError({ ...status, code: status.code ?? code });
    } catch {
      // Not JSON after all: the text itself is the best message there is.
    }
  }
  const message = text.slice(0, 1024) || `the server answered with status ${code}`;
  return new StatusError({ metadata: {}, status: 'Failure', message, reason: reasons[code] ?? 'Unknown', code });
}
