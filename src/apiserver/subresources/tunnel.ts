// An upgraded connection of the caller is joined to one of its own to whoever serves it, once that one has switched to the
// same protocol. Anything else is answered, and both sides are closed.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { internalError } from '../../api/meta/status-error.ts';
import { splice } from '../../base/splice.ts';
import type { Answer, BytesAnswer } from '../http/answer.ts';
import type { ServerRequest } from '../http/exchange.ts';
import { protocolOf } from './passed-on.ts';

const errorBodyBytes = 64 << 10;

export const unreachable = (error: Error) => internalError(`error dialing backend: ${error.message}`, error);

/** `call` must be on a connection that nothing else uses. @throws InternalError */
export function tunnel(request: ServerRequest, call: ClientRequest): Promise<Answer> {
  const { socket, head } = request.upgrade!;
  return new Promise((resolve, reject) => {
    const abandon = () => call.destroy();
    socket.once('close', abandon);
    call.once('upgrade', (response, behind, early) => {
      socket.removeListener('close', abandon);
      const isRight =
        response.statusCode === 101 && response.headers.upgrade?.toLowerCase() === protocolOf(request).toLowerCase();
      if (!isRight || socket.destroyed) {
        behind.destroy();
        reject(internalError('the backend switched to another protocol'));
        return;
      }
      socket.write(switchingHead(response));
      if (early.length > 0) socket.write(early);
      if (head.length > 0) behind.write(head);
      splice(socket, behind);
      resolve({ type: 'taken' });
    });
    call.once('response', (response) => {
      socket.removeListener('close', abandon);
      refusal(response).then(resolve, reject);
    });
    call.once('error', (error) => {
      socket.removeListener('close', abandon);
      reject(unreachable(error));
    });
    call.end();
  });
}

/** The beginning of a body, as text: for error messages. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= errorBodyBytes) break;
  }
  response.destroy();
  return Buffer.concat(chunks).toString().slice(0, errorBodyBytes);
}

/** The backend's no, in its own words. */
async function refusal(response: IncomingMessage): Promise<BytesAnswer> {
  const status = response.statusCode ?? 0;
  if (status < 400) {
    response.destroy();
    throw internalError(`invalid upgrade response: status code ${status}`);
  }
  const contentType = response.headers['content-type'] ?? 'text/plain; charset=utf-8';
  return { type: 'bytes', status, contentType, body: Buffer.from(await readText(response)) };
}

function switchingHead({ rawHeaders }: IncomingMessage): string {
  const lines = ['HTTP/1.1 101 Switching Protocols'];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
