// What an answer that is no success means, in the words of upstream's REST client.

interface Answered {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

const maxTextBytes = 2048;

const messages: Record<number, string> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  409: 'the server reported a conflict',
  422: 'the server rejected our request due to an error in our request',
  429: 'the server has received too many requests and has asked us to try again later',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** Undefined for a success. */
export function restProblem(answer: Answered): string | undefined {
  const { status } = answer;
  if (status >= 200 && status <= 206) return undefined;
  return statusMessage(answer.body) ?? generic(answer);
}

/** A Status that says what went wrong is taken at its word. */
function statusMessage(body: Buffer): string | undefined {
  if (body.length === 0 || body.length > 64 * 1024) return undefined;
  try {
    const { kind = 'Status', status, message } = JSON.parse(body.toString());
    return kind === 'Status' && status === 'Failure' && typeof message === 'string' ? message : undefined;
  } catch {
    return undefined; // not JSON: the body is only text
  }
}

function generic({ status, contentType, body }: Answered): string {
  const isText = contentType === '' || contentType.startsWith('text/');
  const text = isText ? body.subarray(0, maxTextBytes).toString().trim() : 'unknown';
  if (status === 403 || status === 415) return text;
  if (status === 406)
    return text && text !== 'unknown'
      ? text
      : 'the server was unable to respond with a content type that the client supports';
  const known = messages[status];
  if (known) return known;
  if (status >= 500)
    return `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`;
  return `the server responded with the status code ${status} but did not return more information`;
}
