// Requests of one user to an API server in this process, without a socket or a thread between.
import type { UserInfo } from '../apiserver/authn/authenticator.ts';
import type { ApiServer } from '../apiserver/server.ts';
import type { Transport, TransportResponse } from '../client/transport.ts';

/** @param onActivity called when a request sets out, when it is answered, and with every piece of the answer */
export function directTransport(
  server: Pick<ApiServer, 'handleInProcess'>,
  user: UserInfo,
  onActivity: () => void,
): Transport {
  return {
    async request(request) {
      onActivity();
      const answer = await server.handleInProcess(user, request).finally(onActivity);
      return noticed(answer, onActivity);
    },
    async [Symbol.asyncDispose]() {},
  };
}

function noticed(answer: TransportResponse, onActivity: () => void): TransportResponse {
  return {
    status: answer.status,
    headers: answer.headers,
    bytes: () => answer.bytes().finally(onActivity),
    async *stream() {
      for await (const chunk of answer.stream()) {
        onActivity();
        yield chunk;
      }
    },
  };
}
