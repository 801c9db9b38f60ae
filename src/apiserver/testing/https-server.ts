// An HTTPS server with a certificate of its own authority, for tests of what calls others: webhooks, aggregated servers.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface ServingCertificate {
  readonly cert: string;
  readonly key: string;
  /** PEM. */
  readonly ca: string;
}

export interface TestHttpsServer extends AsyncDisposable {
  readonly server: Server;
  readonly port: number;
  readonly ca: string;
  /** As a `caBundle`. */
  readonly caBundle: string;
}

export type TestHandler = (
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
) => void | Promise<void> | object | Promise<object>;

/** A handler that returns an object answers 200 with it as JSON. */
export async function httpsServer(
  { cert, key, ca }: ServingCertificate,
  handle: TestHandler,
  host = '127.0.0.1',
): Promise<TestHttpsServer> {
  const server = createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const answer = await handle(request, Buffer.concat(chunks), response);
      if (!answer) return;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(answer));
    });
    request.on('error', () => {});
    response.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    server,
    port: (server.address() as AddressInfo).port,
    ca,
    caBundle: Buffer.from(ca).toString('base64'),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
