// How a call over a gRPC channel is made: how long it may take, how it is given up, what its failure is. Loads nothing: whoever
// opens channels has the library.
import type { Client, ClientReadableStream, Metadata, ServiceError } from '@grpc/grpc-js';

/** What a server answers, or answered, instead of a result: its words and its code. Also of calls that were given up. */
export class GrpcError extends Error {
  readonly code: number;

  /** `code` defaults to Unknown. */
  constructor(message: string, code = 2) {
    super(message);
    this.name = 'GrpcError';
    this.code = code;
  }
}

export interface GrpcExchange<Answer> {
  readonly channel: Client;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly encode: (request: object) => Buffer;
  readonly decode: (bytes: Buffer) => Answer;
  readonly request: object;
  readonly metadata?: Metadata;
}

const cancelled = 1;
const errorOf = (error: ServiceError) => new GrpcError(error.details || error.message, error.code);

/** One question, one answer. @throws GrpcError */
export function callUnary<Answer>(
  exchange: GrpcExchange<Answer>,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Answer> {
  const { channel, path, encode, decode, request, metadata } = exchange;
  // A signal that has aborted does not say so again.
  if (signal?.aborted) return Promise.reject(new GrpcError('the call was given up', cancelled));
  return new Promise((resolve, reject) => {
    const deadline = { deadline: Date.now() + timeoutMs };
    const settle = (error: ServiceError | null, answer?: Answer) => {
      signal?.removeEventListener('abort', cancel);
      if (error) reject(errorOf(error));
      else resolve(answer!);
    };
    const call = metadata
      ? channel.makeUnaryRequest(path, encode, decode, request, metadata, deadline, settle)
      : channel.makeUnaryRequest(path, encode, decode, request, deadline, settle);
    const cancel = () => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  });
}

/** Settles when the server ends the stream or the signal aborts. @throws GrpcError when it breaks */
export function followStream<Message>(
  exchange: GrpcExchange<Message>,
  onMessage: (message: Message) => void,
  signal: AbortSignal,
): Promise<void> {
  const { channel, path, encode, decode, request, metadata } = exchange;
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const call: ClientReadableStream<Message> = metadata
      ? channel.makeServerStreamRequest(path, encode, decode, request, metadata)
      : channel.makeServerStreamRequest(path, encode, decode, request);
    const cancel = () => call.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    const settle = (error?: ServiceError) => {
      signal.removeEventListener('abort', cancel);
      if (error && !signal.aborted) reject(errorOf(error));
      else resolve();
    };
    call.on('data', onMessage);
    call.on('error', settle);
    call.on('end', () => settle());
  });
}
