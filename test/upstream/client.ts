// HTTP as it is on the wire: whatever headers and bytes a recording says, with the kubeconfig's certificate or without.
import { readFileSync } from 'node:fs';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { parseYaml } from '../../src/base/yaml.ts';

export type HeaderValue = string | readonly string[] | null;

export interface Ask {
  readonly method: string;
  readonly path: string;
  /** Besides the client's own; null takes one of those away. */
  readonly headers?: Readonly<Record<string, HeaderValue>> | undefined;
  readonly body?: string | Buffer | undefined;
  readonly withoutCredentials?: boolean | undefined;
}

export interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Name, value, name, value: repeated headers stay apart. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export interface ClientOptions {
  readonly kubeconfig: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

interface Kubeconfig {
  clusters: { cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { user: { 'client-certificate-data': string; 'client-key-data': string } }[];
}

/** Codes of a connection that ended under a request: it may be tried once more. */
const brokenConnection = new Set(['ECONNRESET', 'EPIPE']);

export class WireClient implements Disposable {
  readonly #server: URL;
  readonly #known: Agent;
  readonly #unknown: Agent;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    const { clusters, users } = parseYaml(readFileSync(options.kubeconfig, 'utf8')) as Kubeconfig;
    const { server, 'certificate-authority-data': ca } = clusters[0]!.cluster;
    const { 'client-certificate-data': cert, 'client-key-data': key } = users[0]!.user;
    const decode = (base64: string) => Buffer.from(base64, 'base64');
    const pool = { keepAlive: true, maxSockets: 64, ca: decode(ca) };
    this.#server = new URL(server);
    this.#known = new Agent({ ...pool, cert: decode(cert), key: decode(key) });
    this.#unknown = new Agent(pool);
    this.#options = options;
  }

  async request(ask: Ask): Promise<Answer> {
    try {
      return await this.#once(ask);
    } catch (error) {
      if (!brokenConnection.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return await this.#once(ask);
    }
  }

  #once({ method, path, headers, body, withoutCredentials }: Ask): Promise<Answer> {
    const options: RequestOptions = {
      host: this.#server.hostname,
      port: this.#server.port,
      method,
      path,
      headers: this.#headers(headers, body),
      agent: withoutCredentials ? this.#unknown : this.#known,
    };
    return new Promise((resolve, reject) => {
      const request = httpsRequest(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          clearTimeout(timer);
          const { statusCode = 0, headers, rawHeaders } = response;
          resolve({ code: statusCode, headers, rawHeaders, body: Buffer.concat(chunks) });
        });
      });
      const { timeoutMs } = this.#options;
      const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      request.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      request.end(body);
    });
  }

  #headers(own: Ask['headers'], body: Ask['body']): Record<string, string | string[] | number> {
    const all: Record<string, string | string[] | number> = { ...this.#options.headers };
    if (body !== undefined) {
      all['content-type'] = 'application/json';
      all['content-length'] = Buffer.byteLength(body);
    }
    for (const [name, value] of Object.entries(own ?? {})) {
      const key = name.toLowerCase();
      if (value === null) delete all[key];
      else all[key] = typeof value === 'string' ? value : [...value];
    }
    return all;
  }

  [Symbol.dispose](): void {
    this.#known.destroy();
    this.#unknown.destroy();
  }
}
