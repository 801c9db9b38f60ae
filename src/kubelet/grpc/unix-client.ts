// Calls to a gRPC server behind a unix socket.
import { setTimeout } from 'node:timers/promises';
import { Client, connectivityState, credentials } from '@grpc/grpc-js';
import { callUnary, followStream, GrpcError } from '../../base/grpc.ts';
import { decode, encode, type GrpcMessage, type GrpcMethod, type GrpcService } from './proto.ts';
import { reachableSocket } from './socket-path.ts';

export interface GrpcCallOptions {
  /** Default 45 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface GrpcClient {
  /** @throws GrpcError with the server's words and its code */
  call(method: string, request: object, options?: GrpcCallOptions): Promise<GrpcMessage>;
  /** A method of another service on the same socket. */
  callOf(service: GrpcService, method: string, request: object, options?: GrpcCallOptions): Promise<GrpcMessage>;
  /** Settles when the server ends the stream or the signal aborts; rejects when it breaks. */
  stream(
    service: GrpcService,
    method: string,
    request: object,
    onMessage: (message: GrpcMessage) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Settles when there is a connection. @throws when there is none in time, or the signal aborts */
  connect(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  /** Reports whether there is a connection, now and whenever that changes, and keeps trying to have one. */
  watchConnection(onChange: (isConnected: boolean) => void): void;
  close(): void;
}

const defaultTimeoutMs = 45_000;
const lookMs = 10;

/** Creates the client; nothing is dialled before the first call. */
export function connectUnix(socketPath: string, service: GrpcService): GrpcClient {
  const socket = reachableSocket(socketPath);
  const channel = new Client(`unix://${socket.path}`, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
    'grpc.max_receive_message_length': 4 << 20, // as in Go, where plugins come from
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2000,
    'grpc.use_local_subchannel_pool': 1,
  });
  let isClosed = false;
  const methodOf = (from: GrpcService, name: string): GrpcMethod => {
    const method = from.get(name);
    if (!method) throw new Error(`the service has no method ${name}`);
    return method;
  };
  const callOf: GrpcClient['callOf'] = async (of, name, request, { timeoutMs = defaultTimeoutMs, signal } = {}) =>
    callUnary(exchange(channel, methodOf(of, name), request), { timeoutMs, signal });
  return {
    call: (name, request, options) => callOf(service, name, request, options),
    callOf,
    stream: async (other, name, request, onMessage, signal) =>
      followStream(exchange(channel, methodOf(other, name), request), onMessage, signal),
    async connect(timeoutMs, signal) {
      // Looked at now and then: the library's own wait can not be ended before its time.
      const inner = channel.getChannel();
      const untilMs = Date.now() + timeoutMs;
      while (inner.getConnectivityState(true) !== connectivityState.READY) {
        if (isClosed || signal?.aborted || Date.now() > untilMs)
          throw new GrpcError(`no connection to ${socketPath}`, 14);
        await setTimeout(lookMs);
      }
    },
    watchConnection(onChange) {
      const { READY, SHUTDOWN } = connectivityState;
      const inner = channel.getChannel();
      const look = (): void => {
        if (isClosed) return;
        const state = inner.getConnectivityState(true);
        onChange(state === READY);
        if (state !== SHUTDOWN) inner.watchConnectivityState(state, Number.POSITIVE_INFINITY, look);
      };
      look();
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      channel.close();
      socket.close();
    },
  };
}

const exchange = (channel: Client, { path, request: asked, response }: GrpcMethod, request: object) => ({
  channel,
  path,
  encode: (message: object) => encode(asked, message),
  decode: (bytes: Buffer): GrpcMessage => decode(response, bytes),
  request,
});
