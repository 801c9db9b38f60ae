// One gRPC connection to a CRI socket, with calls by method name. Integers of 64 bits arrive as strings: nanoseconds do not
// fit a number.
import { Client, credentials } from '@grpc/grpc-js';
import { callUnary, followStream } from '../../../base/grpc.ts';
import { type CriMethod, loadCriMethods } from './cri-schema.ts';

const defaultTimeoutMs = 120_000;
const toObject = { longs: String, enums: String, defaults: true, bytes: Buffer } as const;

/** Answers as they arrive: every field is there, 64-bit integers are strings. */
export type CriMessage = any;

export interface CriConnection {
  /** @throws GrpcError with the runtime's own words. */
  call(method: string, request: object, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<CriMessage>;
  /** Calls back with each message until the signal aborts. @throws GrpcError when the stream breaks */
  stream(method: string, onMessage: (message: CriMessage) => void, signal: AbortSignal): Promise<void>;
  /** Another service on the same socket, such as containerd's events. */
  readonly channel: Client;
  close(): void;
}

/** Connects lazily; a lost connection is tried again with every call. */
export function connectCri(socketPath: string): CriConnection {
  const methods = new Map(loadCriMethods().map((method) => [method.name, method]));
  const channel = new Client(`unix://${socketPath}`, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 16 << 20,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2000,
  });
  return {
    channel,
    close: () => channel.close(),
    call(name, request, options) {
      const method = methods.get(name);
      if (!method) return Promise.reject(new Error(`CRI has no method ${name}`));
      const { timeoutMs = defaultTimeoutMs, signal } = options ?? {};
      const decode = (bytes: Buffer): CriMessage => method.response.toObject(method.response.decode(bytes), toObject);
      return callUnary({ ...exchange(channel, method, request), decode }, { timeoutMs, signal });
    },
    stream(name, onMessage, signal) {
      const method = methods.get(name);
      if (!method?.serverStream) return Promise.reject(new Error(`CRI has no stream ${name}`));
      const decode = (bytes: Buffer): CriMessage => method.response.decode(bytes);
      return followStream({ ...exchange(channel, method, {}), decode }, onMessage, signal);
    },
  };
}

const exchange = (channel: Client, { service, name, request: asked }: CriMethod, request: object) => ({
  channel,
  path: `/runtime.v1.${service}/${name}`,
  encode: (message: object) => Buffer.from(asked.encode(asked.fromObject(message)).finish()),
  request,
});
