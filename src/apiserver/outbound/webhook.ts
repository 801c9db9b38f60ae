// A POST of JSON to a webhook, for admission and conversion: where it is, who it must be, and what went wrong.
import { posix } from 'node:path';
import type { WebhookClientConfig } from '../../../generated/admissionregistration-v1.ts';
import { StatusError } from '../../api/meta/status-error.ts';
import { linkSignal } from '../../base/signals.ts';
import type { OutboundClient, OutboundTarget } from './client.ts';
import { restProblem } from './rest-error.ts';
import { type ResolveParts, resolveService } from './service-address.ts';
import { TransportError } from './transport-error.ts';

export interface WebhookPost {
  readonly body: Uint8Array;
  readonly timeoutSeconds: number;
  readonly maxBytes: number;
  /** The request's on whose behalf this is. */
  readonly signal: AbortSignal | undefined;
}

/** The webhook did not answer, or not with a success. */
export class WebhookCallError extends Error {
  /** 0 when the configuration does not even say whom to call. */
  readonly code: number;
  /** The client of the request is gone. */
  readonly isCanceled: boolean;

  constructor(message: string, code: number, options: ErrorOptions & { isCanceled?: boolean } = {}) {
    super(message, options);
    this.code = code;
    this.isCanceled = options.isCanceled ?? false;
  }
}

const headers = {
  accept: 'application/json, */*',
  'content-type': 'application/json',
  'user-agent': 'kube-apiserver-admission',
};

/** Sends and waits. @throws WebhookCallError */
export async function postToWebhook(
  client: OutboundClient,
  config: WebhookClientConfig,
  { body, timeoutSeconds, maxBytes, signal }: WebhookPost,
  parts: ResolveParts,
): Promise<Buffer> {
  const { target, path } = targetOf(config, parts);
  const pathAndTimeout = `${path}?timeout=${timeoutSeconds}s`;
  using link = linkSignal([signal], timeoutSeconds * 1000);
  const request = { method: 'POST', path: pathAndTimeout, headers, body, signal: link.signal };
  let answer: Awaited<ReturnType<OutboundClient['exchange']>>;
  try {
    answer = await client.exchange(target, request, maxBytes);
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    if (error.hasAnswer) throw new WebhookCallError(error.message, 503, { cause: error, isCanceled: error.isCanceled });
    const isOurs = error.cause instanceof StatusError;
    const text = `Post ${JSON.stringify(`https://${target.authority}${pathAndTimeout}`)}: ${error.message}`;
    throw new WebhookCallError(text, isOurs ? (error.cause as StatusError).code : 503, {
      cause: error,
      isCanceled: error.isCanceled,
    });
  }
  const contentType = answer.headers['content-type'] ?? '';
  const problem = restProblem({ status: answer.status, contentType, body: answer.body });
  if (problem !== undefined) throw new WebhookCallError(problem, answer.status);
  if (answer.body.length === 0) {
    const text = `0-length response with status code: ${answer.status} and content type: ${contentType || 'application/json'}`;
    throw new WebhookCallError(text, 503);
  }
  return answer.body;
}

function targetOf(config: WebhookClientConfig, parts: ResolveParts): { target: OutboundTarget; path: string } {
  const { service, url, caBundle } = config;
  const ca = caBundle ? { ca: authority(caBundle) } : {};
  if (service) {
    const { name, namespace, path = '', port = 443 } = service;
    const serverName = `${name}.${namespace}.svc`;
    const resolve = () => resolveService(parts, { namespace, name, port });
    const target = {
      authority: `${serverName}:${port}`,
      tls: { serverName, ...ca },
      policy: 'service',
      resolve,
    } as const;
    return { target, path: cleanPath(path) };
  }
  if (!url) throw new WebhookCallError('webhook configuration must have either service or URL', 0);
  const { host, hostname, port, pathname } = new URL(url);
  const serverName = hostname.replace(/^\[|\]$/g, '');
  const resolve = () => ({ host: serverName, port: Number(port || 443) });
  return { target: { authority: host, tls: { serverName, ...ca }, policy: 'url', resolve }, path: cleanPath(pathname) };
}

/** As Go's path.Join leaves it: no empty steps, no slash at the end. */
const cleanPath = (path: string): string => posix.join('/', path).replace(/(?!^)\/$/, '');

function authority(caBundle: string): string {
  const pem = Buffer.from(caBundle, 'base64').toString('latin1');
  if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem;
  throw new WebhookCallError('unable to load root certificates: unable to parse bytes as PEM block', 0);
}
