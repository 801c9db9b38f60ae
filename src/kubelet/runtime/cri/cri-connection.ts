// One gRPC connection to a CRI socket, with calls by method name. Integers of 64 bits arrive as strings: nanoseconds do not
// fit a number.
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { RuntimeError } from '../rpc-error.ts';
import { type CriMethod, loadCriMethods } from './cri-schema.ts';

const toObject = { longs: String, enums: String, defaults: true, bytes: Buffer } as const;

/** Answers as they arrive: every field is there, 64-bit integers are strings. */
export type CriMessage = any;

export interface CriConnection {
  /** @throws RuntimeError with the runtime's own words. */
  call(method: string, request: object, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<CriMessage>;
  /** Calls back with each message until the signal aborts. @throws RuntimeError when the stream breaks */
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
      return unary(channel, method, request, options?.timeoutMs ?? 120_000, options?.signal);
    },
    stream(name, onMessage, signal) {
      const method = methods.get(name);
      if (!method?.serverStream) return Promise.reject(new Error(`CRI has no stream ${name}`));
      return serverStream(channel, method, onMessage, signal);
    },
  };
}

function unary(
  channel: Client,
  method: CriMethod,
  request: object,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<CriMessage> {
  return new Promise((resolve, reject) => {
    const call = channel.makeUnaryRequest<object, CriMessage>(
      `/runtime.v1.${method.service}/${method.name}`,
      (message) => Buffer.from(method.request.encode(method.request.fromObject(message)).finish()),
      (bytes) => method.response.toObject(method.response.decode(bytes), toObject),
      request,
      { deadline: Date.now() + timeoutMs },
      (error: ServiceError | null, answer) => {
        signal?.removeEventListener('abort', cancel);
        if (error) reject(new RuntimeError(error.details || error.message, error.code));
        else resolve(answer);
      },
    );
    const cancel = () => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

function serverStream(
  channel: Client,
  method: CriMethod,
  onMessage: (message: CriMessage) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = channel.makeServerStreamRequest<object, CriMessage>(
      `/runtime.v1.${method.service}/${method.name}`,
      (message) => Buffer.from(method.request.encode(method.request.fromObject(message)).finish()),
      (bytes) => method.response.decode(bytes),
      {},
    );
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    const settle = (error?: ServiceError) => {
      signal.removeEventListener('abort', cancel);
      if (error && !signal.aborted) reject(new RuntimeError(error.details || error.message, error.code));
      else resolve();
    };
    call.on('data', onMessage);
    call.on('error', settle);
    call.on('end', () => settle());
  });
}
