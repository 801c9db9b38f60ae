// One POST of JSON with an answer in JSON: bounded in time and size, never redirected.
import { readFileSync } from 'node:fs';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { parseDuration } from '../../schema/time.ts';
import type { ExtenderConfiguration } from '../config/types.ts';

const maxAnswerBytes = 64 << 20;
const defaultTimeoutMs = 5000;

export interface JsonEndpoint {
  /** @throws Error when there is no answer, or none of use. */
  post(verb: string, body: unknown, signal: AbortSignal): Promise<unknown>;
  close(): void;
}

export function jsonEndpoint(extender: ExtenderConfiguration): JsonEndpoint {
  const base = extender.urlPrefix.replace(/\/+$/, '');
  const isTls = base.startsWith('https:');
  const agent = isTls
    ? new HttpsAgent({ keepAlive: true, ...tlsOptions(extender) })
    : new HttpAgent({ keepAlive: true });
  const asked = extender.httpTimeout ? Number(parseDuration(extender.httpTimeout) / 1_000_000n) : 0;
  const timeoutMs = asked || defaultTimeoutMs;
  const send = isTls ? httpsRequest : httpRequest;
  return {
    async post(verb, body, signal) {
      const url = `${base}/${verb}`;
      const content = Buffer.from(JSON.stringify(body));
      const headers = { 'content-type': 'application/json', 'content-length': content.length };
      const patience = AbortSignal.timeout(timeoutMs);
      const answer = await new Promise<Buffer>((resolve, reject) => {
        const request = send(url, { method: 'POST', agent, headers, signal: patience }, (response) => {
          if (response.statusCode !== 200) {
            response.resume();
            reject(new Error(`failed ${verb} with extender at URL ${base}, code ${response.statusCode}`));
          } else readAll(response, verb).then(resolve, reject);
        });
        request.on('error', (error) =>
          reject(
            patience.aborted
              ? new Error(`Post "${url}": no answer within ${timeoutMs / 1000} s`)
              : new Error(`Post "${url}": ${error.message}`),
          ),
        );
        request.end(content);
      });
      signal.throwIfAborted();
      return answer.length === 0 ? {} : JSON.parse(answer.toString('utf8'));
    },
    close: () => agent.destroy(),
  };
}

async function readAll(response: IncomingMessage, verb: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxAnswerBytes) {
      response.destroy();
      throw new Error(`the answer to ${verb} is larger than ${maxAnswerBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** As upstream: without an authority of its own a server is not checked when TLS is merely switched on. */
function tlsOptions({ tlsConfig = {}, enableHTTPS }: ExtenderConfiguration) {
  const part = (data: string | undefined, file: string | undefined) =>
    data ? Buffer.from(data, 'base64') : file ? readFileSync(file) : undefined;
  const ca = part(tlsConfig.caData, tlsConfig.caFile);
  const cert = part(tlsConfig.certData, tlsConfig.certFile);
  const key = part(tlsConfig.keyData, tlsConfig.keyFile);
  const isUnchecked = tlsConfig.insecure || (enableHTTPS && !ca);
  return {
    rejectUnauthorized: !isUnchecked,
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(tlsConfig.serverName ? { servername: tlsConfig.serverName } : {}),
  };
}
