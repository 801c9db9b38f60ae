// The socket side: TLS, HTTP/1.1 and HTTP/2 on one port, with limits that Node does not set by itself.
import type { IncomingMessage } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from '../../base/log.ts';

export interface TlsOptions {
  readonly cert: string;
  readonly key: string;
  /** Signs client certificates. */
  readonly clientCa: string;
  /** Signs certificates of front proxies, who say in headers on whose behalf they ask. */
  readonly requestHeaderCa?: string;
}

export interface ListenOptions {
  readonly tls: TlsOptions;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly log: Logger;
  readonly onRequest: (request: any, response: any) => void;
  readonly onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, rawHeaders: readonly string[]) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

const limits = {
  connections: 10_000,
  headerBytes: 16 * 1024,
  headerTimeoutMs: 10_000,
  /** For a client to send its request; answers may take as long as they do. */
  requestMs: 60_000,
  keepAliveMs: 90_000,
  handshakeMs: 10_000,
  streams: 250,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 1024 * 1024,
};

const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

export interface Listener {
  readonly address: AddressInfo;
  /** Stops taking connections and asks open ones to end; `force` breaks them. */
  close(): void;
  force(): void;
  readonly closed: Promise<void>;
}

export async function listen(options: ListenOptions): Promise<Listener> {
  const server = createSecureServer(
    {
      cert: options.tls.cert,
      key: options.tls.key,
      ca: [options.tls.clientCa, options.tls.requestHeaderCa ?? []].flat(),
      requestCert: true,
      rejectUnauthorized: false,
      allowHTTP1: true,
      minVersion: 'TLSv1.2',
      ciphers,
      honorCipherOrder: true,
      handshakeTimeout: limits.handshakeMs,
      maxSessionMemory: 64,
      settings: {
        maxConcurrentStreams: limits.streams,
        initialWindowSize: limits.streamWindowBytes,
        maxHeaderListSize: limits.headerBytes,
      },
      ...({
        maxHeaderSize: limits.headerBytes,
        headersTimeout: limits.headerTimeoutMs,
        requestTimeout: limits.requestMs,
        keepAliveTimeout: limits.keepAliveMs,
      } as object),
    } as Parameters<typeof createSecureServer>[0],
    (request, response) => {
      if (isUnambiguous(request)) options.onRequest(request, response);
      else refuse(request.socket);
    },
  );
  configure(server, options);
  takeStreams(server, options.onStream);
  const sessions = new Set<ServerHttp2Session>();
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket: Socket) => track(sockets, socket, options.log));
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', (error) => options.log.debug('an HTTP/2 session failed', { problem: error.message }));
    session.setLocalWindowSize(limits.connectionWindowBytes);
  });
  const closed = Promise.withResolvers<void>();
  server.on('close', () => closed.resolve());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
  server.on('error', (error) => options.log.error('the listener failed', error));
  return {
    address: server.address() as AddressInfo,
    closed: closed.promise,
    close() {
      server.close();
      for (const session of sessions) session.close();
      (server as unknown as { closeIdleConnections?(): void }).closeIdleConnections?.();
    },
    force() {
      for (const session of sessions) session.destroy();
      for (const socket of sockets) socket.destroy();
    },
  };
}

type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: readonly string[],
) => void;

/** What is more than a request and its answer is left to Node, which listens because somebody wants requests. */
function takeStreams(server: Http2SecureServer, onStream: ListenOptions['onStream']): void {
  const [left] = server.listeners('stream') as [StreamListener];
  server.removeAllListeners('stream');
  const listener: StreamListener = (stream, headers, flags, rawHeaders) => {
    if (headers[':method'] === 'CONNECT' || headers.expect !== undefined) left(stream, headers, flags, rawHeaders);
    else onStream(stream, headers, rawHeaders);
  };
  server.on('stream', listener as never);
}

function configure(server: Http2SecureServer, options: ListenOptions): void {
  (server as unknown as { maxConnections: number }).maxConnections = limits.connections;
  server.on('upgrade', (request, socket, head) => {
    if (isUnambiguous(request)) options.onUpgrade(request, socket, head);
    else refuse(socket);
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError' as 'error', ((_error: Error, socket: Socket) => refuse(socket)) as never);
  // Without a listener Node answers CONNECT and Expect by itself, outside of the pipeline.
  server.on('connect' as 'error', ((_request: unknown, socket: Socket) => refuse(socket)) as never);
}

/** Node reads HTTP/0.9 and keeps the first of several Host headers; a proxy before us may keep another. */
function isUnambiguous({ httpVersionMajor, rawHeaders }: Pick<IncomingMessage, 'httpVersionMajor' | 'rawHeaders'>) {
  if (httpVersionMajor !== 1) return httpVersionMajor > 1;
  return rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host').length <= 1;
}

/** A request that is not HTTP. Errors of a socket that is going away are nobody's news. */
function refuse(socket: Duplex): void {
  socket.on('error', () => {});
  if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  else socket.destroy();
}

function track(sockets: Set<Socket>, socket: Socket, log: Logger): void {
  sockets.add(socket);
  socket.setNoDelay(true);
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', (error) => log.debug('a connection failed', { problem: error.message }));
}
