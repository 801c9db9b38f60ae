// Sends audit events to a server of the administrator's, in batches: 400 at most, or what has come in 30 seconds. What a
// server that is away cannot take is kept up to a bound, then dropped and counted.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import { linkSignal } from '../../base/signals.ts';
import { parseYaml } from '../../base/yaml.ts';
import { OutboundClient, type OutboundTarget } from '../outbound/client.ts';
import type { AuditSink } from './sink.ts';

export interface WebhookConfig {
  readonly target: OutboundTarget;
  readonly path: string;
  readonly token?: string;
}

const maxEvents = 10_000;
const maxChars = 64 << 20;
const batchEvents = 400;
const batchChars = 8 << 20;
const waitMs = 30_000;
const timeoutMs = 30_000;
const firstBackoffMs = 10_000;
const maxTries = 5;
const maxAnswerBytes = 64 << 10;

export class AuditWebhook implements AuditSink {
  readonly name = 'webhook';
  dropped = 0;
  readonly #config: WebhookConfig;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #client = new OutboundClient();
  readonly #closing = new AbortController();
  #lines: string[] = [];
  #chars = 0;
  #timer: Disposable | undefined;
  #sending: Promise<void> | undefined;

  constructor(config: WebhookConfig, { clock, log }: { clock: Clock; log: Logger }) {
    this.#config = config;
    this.#clock = clock;
    this.#log = log;
  }

  write(line: string): void {
    if (this.#lines.length >= maxEvents || this.#chars + line.length > maxChars) {
      if (this.dropped++ === 0) this.#log.warn('audit events are dropped: the webhook does not take them');
      return;
    }
    this.#lines.push(line);
    this.#chars += line.length;
    if (this.#lines.length >= batchEvents) this.#send();
    else this.#timer ??= this.#clock.timer(waitMs, () => this.#send());
  }

  #send(): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = undefined;
    if (this.#sending || this.#lines.length === 0) return;
    const batch = this.#take();
    this.#sending = this.#post(batch).finally(() => {
      this.#sending = undefined;
      if (this.#lines.length >= batchEvents) this.#send();
      else if (this.#lines.length > 0) this.#timer ??= this.#clock.timer(waitMs, () => this.#send());
    });
  }

  #take(): string[] {
    let count = 0;
    for (let chars = 0; count < this.#lines.length && count < batchEvents; count++) {
      chars += this.#lines[count]!.length;
      if (count > 0 && chars > batchChars) break;
    }
    const batch = this.#lines.splice(0, count);
    for (const line of batch) this.#chars -= line.length;
    return batch;
  }

  /** Never rejects. */
  async #post(batch: readonly string[]): Promise<void> {
    const head = '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[';
    const body = Buffer.from(`${head}${batch.join(',')}]}`);
    for (let tried = 1; ; tried++) {
      const problem = await this.#try(body);
      if (!problem) return;
      if (tried >= maxTries || this.#closing.signal.aborted) {
        this.dropped += batch.length;
        this.#log.warn('audit events were not taken by the webhook', { events: batch.length, problem });
        return;
      }
      await this.#clock.sleep(firstBackoffMs * 1.5 ** (tried - 1), this.#closing.signal);
    }
  }

  /** What went wrong; undefined: nothing. */
  async #try(body: Uint8Array): Promise<string | undefined> {
    using limit = linkSignal([], timeoutMs);
    const { target, path, token } = this.#config;
    const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
    try {
      const request = { method: 'POST', path, headers, body, signal: limit.signal };
      const { status } = await this.#client.exchange(target, request, maxAnswerBytes);
      return status >= 200 && status < 300 ? undefined : `it answered ${status}`;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** One more try for all that waits. */
  async close(): Promise<void> {
    this.#closing.abort();
    while (this.#sending || this.#lines.length > 0) {
      this.#send();
      await this.#sending;
    }
    this.#timer?.[Symbol.dispose]();
    this.#client[Symbol.dispose]();
  }
}

type Named<Key extends string> = { readonly name: string } & { readonly [key in Key]?: Record<string, any> };

interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly contexts?: readonly Named<'context'>[];
  readonly clusters?: readonly Named<'cluster'>[];
  readonly users?: readonly Named<'user'>[];
}

/** From a kubeconfig file: https only. @throws Error that says what is missing */
export async function readWebhookConfig(file: string): Promise<WebhookConfig> {
  const config = (parseYaml(readFileSync(file, 'utf8')) ?? {}) as Kubeconfig;
  const context =
    config.contexts?.find(({ name }) => name === config['current-context'])?.context ?? config.contexts?.[0]?.context;
  const cluster =
    config.clusters?.find(({ name }) => name === context?.['cluster'])?.cluster ?? config.clusters?.[0]?.cluster;
  const user = config.users?.find(({ name }) => name === context?.['user'])?.user ?? {};
  const url = URL.parse(String(cluster?.['server'] ?? ''));
  if (!cluster || url?.protocol !== 'https:') throw new Error('clusters[].cluster.server must be an https URL');
  const pem = (from: Record<string, any>, name: string): string | undefined => {
    if (from[`${name}-data`]) return Buffer.from(String(from[`${name}-data`]), 'base64').toString();
    return from[name] ? readFileSync(resolve(dirname(file), String(from[name])), 'utf8') : undefined;
  };
  const [ca, cert, key] = [
    pem(cluster, 'certificate-authority'),
    pem(user, 'client-certificate'),
    pem(user, 'client-key'),
  ];
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || 443);
  return {
    path: `${url.pathname}${url.search}`,
    ...(user['token'] ? { token: String(user['token']) } : {}),
    target: {
      authority: url.host,
      policy: 'url',
      tls: {
        serverName: String(cluster['tls-server-name'] ?? host),
        ...(ca ? { ca } : {}),
        ...(cert && key ? { cert, key } : {}),
        skipsVerification: cluster['insecure-skip-tls-verify'] === true,
      },
      resolve: () => ({ host, port }),
    },
  };
}
