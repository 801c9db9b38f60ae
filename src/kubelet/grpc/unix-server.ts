// Answers gRPC calls on a unix socket.
import { chmod, mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Server, ServerCredentials, type ServerWritableStream, type sendUnaryData, status } from '@grpc/grpc-js';
import { GrpcError } from '../../base/grpc.ts';
import { decode, encode, type GrpcMessage, type GrpcService } from './proto.ts';
import { reachableSocket } from './socket-path.ts';

/** @throws GrpcError: what the caller is told */
export type UnaryHandler = (request: GrpcMessage) => object | Promise<object>;
/** Sends until it settles or the signal aborts. */
export type StreamHandler = (
  request: GrpcMessage,
  send: (message: object) => void,
  signal: AbortSignal,
) => Promise<void>;

export interface ServedService {
  readonly service: GrpcService;
  /** By name of the method; what has none is unimplemented. */
  readonly unary?: Readonly<Record<string, UnaryHandler>>;
  readonly streams?: Readonly<Record<string, StreamHandler>>;
}

export interface UnixServerOptions {
  readonly socketPath: string;
  readonly services: readonly ServedService[];
  /** Of the socket; default 0600. */
  readonly mode?: number;
}

/** Takes the place of whatever has the path; the folder is made when it is missing. */
export async function serveUnix({ socketPath, services, mode = 0o600 }: UnixServerOptions): Promise<AsyncDisposable> {
  await mkdir(dirname(socketPath), { recursive: true, mode: 0o750 });
  await rm(socketPath, { force: true });
  const server = new Server({ 'grpc.max_receive_message_length': 4 << 20 });
  for (const each of services) addService(server, each);
  const socket = reachableSocket(socketPath);
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${socket.path}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  await chmod(socketPath, mode);
  return {
    async [Symbol.asyncDispose]() {
      server.forceShutdown();
      socket.close();
      await rm(socketPath, { force: true });
    },
  };
}

function addService(server: Server, { service, unary = {}, streams = {} }: ServedService): void {
  for (const [name, { path, request, response, isStream }] of service) {
    const serialize = (message: object): Buffer => encode(response, message);
    const deserialize = (bytes: Buffer): GrpcMessage => decode(request, bytes);
    const stream = streams[name];
    const answer = unary[name];
    if (isStream && stream) server.register(path, serveStream(stream), serialize, deserialize, 'serverStream');
    else if (answer) server.register(path, serveUnary(answer), serialize, deserialize, 'unary');
  }
}

const refusal = (error: unknown) => ({
  code: error instanceof GrpcError ? error.code : status.UNKNOWN,
  details: error instanceof Error ? error.message : String(error),
});

function serveUnary(answer: UnaryHandler) {
  return (call: { request: GrpcMessage }, callback: sendUnaryData<object>): void => {
    Promise.resolve()
      .then(() => answer(call.request))
      .then(
        (message) => callback(null, message),
        (error) => callback(refusal(error)),
      );
  };
}

function serveStream(handler: StreamHandler) {
  return (call: ServerWritableStream<GrpcMessage, object>): void => {
    const gone = new AbortController();
    call.on('cancelled', () => gone.abort());
    call.on('error', () => gone.abort());
    handler(call.request, (message) => void call.write(message), gone.signal).then(
      () => call.end(),
      (error) => call.emit('error', refusal(error)),
    );
  };
}
