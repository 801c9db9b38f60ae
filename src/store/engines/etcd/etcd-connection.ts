// Calls to an etcd cluster over gRPC: one channel an endpoint, the next one when the present one is gone.
import { Client, type ClientDuplexStream, credentials, status } from '@grpc/grpc-js';
import { callUnary, type GrpcError } from '../../../base/grpc.ts';
import { CompactedError, FutureRevisionError, NoSpaceError, OverloadedError, UnavailableError } from '../../store.ts';
import { type EtcdMethodName, loadEtcdMethods } from './etcd-schema.ts';

export interface EtcdTls {
  readonly ca?: Buffer;
  readonly certificate?: Buffer;
  readonly key?: Buffer;
}

export interface EtcdConnectionOptions {
  /** `http://127.0.0.1:2379` */
  readonly servers: readonly string[];
  readonly tls?: EtcdTls;
  /** For calls that read or write; default 10 s. */
  readonly timeoutMs?: number;
}

const channelOptions = {
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
  // A connection that died without a word is noticed.
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
};

export class EtcdConnection {
  readonly #methods = loadEtcdMethods();
  readonly #clients: readonly Client[];
  readonly #timeoutMs: number;
  #current = 0;

  constructor({ servers, tls = {}, timeoutMs = 10_000 }: EtcdConnectionOptions) {
    this.#timeoutMs = timeoutMs;
    this.#clients = servers.map((server) => {
      const { protocol, host, port } = new URL(server);
      const isSecure = protocol === 'https:';
      const channel = isSecure
        ? credentials.createSsl(tls.ca ?? null, tls.key ?? null, tls.certificate ?? null)
        : credentials.createInsecure();
      return new Client(port ? host : `${host}:${isSecure ? 443 : 80}`, channel, channelOptions);
    });
  }

  get endpoints(): number {
    return this.#clients.length;
  }

  /** Reads go to the next endpoint when one is gone; of a write nobody knows whether it happened. */
  async call(name: EtcdMethodName, request: object): Promise<any> {
    const attempts = name === 'range' || name === 'status' ? this.#clients.length : 1;
    for (let attempt = 1; ; attempt++) {
      const at = this.#current;
      try {
        return await this.#unary(name, request, at);
      } catch (error) {
        const isGone = (error as GrpcError).code === status.UNAVAILABLE;
        if (isGone) this.#moveOn(at);
        if (!isGone || attempt >= attempts) throw asStoreError(error as GrpcError);
      }
    }
  }

  /** One endpoint's own affair, such as defragmenting it. */
  async callEach(name: EtcdMethodName, request: object): Promise<void> {
    for (const at of this.#clients.keys()) {
      await this.#unary(name, request, at, 60_000).catch((error) => {
        throw asStoreError(error);
      });
    }
  }

  #unary(name: EtcdMethodName, request: object, at: number, timeoutMs = this.#timeoutMs): Promise<any> {
    const { path, encode, decode } = this.#methods[name];
    return callUnary({ channel: this.#clients[at]!, path, encode, decode, request }, { timeoutMs });
  }

  openWatch(): ClientDuplexStream<object, any> {
    const { path, encode, decode } = this.#methods.watch;
    return this.#clients[this.#current]!.makeBidiStreamRequest<object, any>(path, encode, decode);
  }

  /** The next watch and the next call try another endpoint. */
  moveOn(): void {
    this.#moveOn(this.#current);
  }

  #moveOn(from: number): void {
    if (this.#current === from) this.#current = (from + 1) % this.#clients.length;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }
}

function asStoreError(error: GrpcError): Error {
  const text = error.message;
  if (error.code === status.OUT_OF_RANGE) {
    return text.includes('compacted') ? new CompactedError(0) : new FutureRevisionError(0);
  }
  if (text.includes('database space exceeded')) return new NoSpaceError();
  if (text.includes('too many requests')) return new OverloadedError();
  if (error.code === status.DEADLINE_EXCEEDED) return new UnavailableError('etcdserver: request timed out');
  if (error.code === status.UNAVAILABLE) return new UnavailableError('etcdserver: not reachable');
  return new UnavailableError(text);
}
