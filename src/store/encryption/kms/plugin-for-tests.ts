// A key service as small as one can be: keys in memory, the newest one seals. For tests.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { decodeMessage, encodeMessage, servicePath } from './protocol.ts';

type Method = 'Status' | 'Encrypt' | 'Decrypt';

export class KeyPlugin implements AsyncDisposable {
  readonly socket: string;
  /** What it was asked, in order. */
  readonly asked: Method[] = [];
  health = 'ok';
  readonly #folder = mkdtempSync(join(tmpdir(), 'kms-'));
  readonly #server = new Server();
  readonly #keys = new Map<string, Buffer>();

  private constructor() {
    this.socket = join(this.#folder, 'kms.sock');
    this.rotate();
  }

  static async start(): Promise<KeyPlugin> {
    const plugin = new KeyPlugin();
    await plugin.#listen();
    return plugin;
  }

  get #keyId(): string {
    return [...this.#keys.keys()].at(-1)!;
  }

  rotate(): void {
    this.#keys.set(`key-${this.#keys.size + 1}`, randomBytes(32));
  }

  forget(keyId: string): void {
    this.#keys.delete(keyId);
  }

  #answer(method: Method, request: any): object {
    this.asked.push(method);
    if (method === 'Status') return { version: 'v2', healthz: this.health, keyId: this.#keyId };
    if (method === 'Encrypt') {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', this.#keys.get(this.#keyId)!, nonce);
      const ciphertext = Buffer.concat([nonce, cipher.update(request.plaintext), cipher.final(), cipher.getAuthTag()]);
      return { ciphertext, keyId: this.#keyId, annotations: { 'nonce.example.com': nonce } };
    }
    const key = this.#keys.get(request.keyId);
    if (!key) throw new Error(`no key ${request.keyId}`);
    const { ciphertext } = request;
    const decipher = createDecipheriv('aes-256-gcm', key, request.annotations['nonce.example.com']);
    decipher.setAuthTag(ciphertext.subarray(-16));
    return { plaintext: Buffer.concat([decipher.update(ciphertext.subarray(12, -16)), decipher.final()]) };
  }

  #listen(): Promise<void> {
    const methods: Method[] = ['Status', 'Encrypt', 'Decrypt'];
    const entries = methods.map((method) => [
      method,
      {
        path: servicePath + method,
        requestStream: false,
        responseStream: false,
        requestSerialize: (value: object) => encodeMessage(`${method}Request`, value),
        requestDeserialize: (bytes: Buffer) => decodeMessage<object>(`${method}Request`, bytes),
        responseSerialize: (value: object) => encodeMessage(`${method}Response`, value),
        responseDeserialize: (bytes: Buffer) => decodeMessage<object>(`${method}Response`, bytes),
      },
    ]);
    const handlers = methods.map((method) => [
      method,
      (call: ServerUnaryCall<any, any>, respond: sendUnaryData<any>) => {
        try {
          respond(null, this.#answer(method, call.request));
        } catch (error) {
          respond({ code: status.INTERNAL, details: (error as Error).message });
        }
      },
    ]);
    this.#server.addService(Object.fromEntries(entries), Object.fromEntries(handlers));
    return new Promise((resolve, reject) =>
      this.#server.bindAsync(`unix://${this.socket}`, ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      ),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
