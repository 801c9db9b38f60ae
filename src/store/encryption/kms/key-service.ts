// Calls to a key service behind a unix socket.
import { Client, credentials } from '@grpc/grpc-js';
import { callUnary } from '../../../base/grpc.ts';
import {
  type Annotations,
  decodeMessage,
  type EncryptAnswer,
  encodeMessage,
  type StatusAnswer,
  servicePath,
} from './protocol.ts';

export interface KeyService {
  status(): Promise<StatusAnswer>;
  encrypt(plaintext: Uint8Array, uid: string): Promise<EncryptAnswer>;
  decrypt(sealed: { ciphertext: Uint8Array; keyId: string; annotations: Annotations }, uid: string): Promise<Buffer>;
  close(): void;
}

/** @param path of the socket; one that begins with `@` is in the abstract namespace */
export function connectKeyService(path: string, timeoutMs: number): KeyService {
  const target = path.startsWith('@') ? `unix-abstract:${path.slice(1)}` : `unix://${path}`;
  const channel = new Client(target, credentials.createInsecure(), {
    'grpc.default_authority': 'localhost',
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2000,
    'grpc.use_local_subchannel_pool': 1,
  });
  const call = <T>(method: 'Status' | 'Encrypt' | 'Decrypt', request: object): Promise<T> => {
    const exchange = {
      channel,
      path: servicePath + method,
      encode: (message: object) => encodeMessage(`${method}Request`, message),
      decode: (bytes: Buffer) => decodeMessage<T>(`${method}Response`, bytes),
      request,
    };
    return callUnary(exchange, { timeoutMs });
  };
  return {
    status: () => call('Status', {}),
    encrypt: (plaintext, uid) => call('Encrypt', { plaintext, uid }),
    async decrypt(sealed, uid) {
      return (await call<{ plaintext: Buffer }>('Decrypt', { ...sealed, uid })).plaintext;
    },
    close: () => channel.close(),
  };
}
