// Where the service proxy tells how it is: /healthz and /livez for everybody, /metrics on the loopback alone.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { IpFamily } from '../addresses.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';

export interface FamilyHealth {
  /** Time of day; undefined when there was none yet. */
  readonly updatedMs: number | undefined;
  readonly isHealthy: boolean;
}

export interface StatusServerOptions {
  /** Absent: none is opened. */
  readonly ports: StatusPorts;
  readonly health: () => ReadonlyMap<IpFamily, FamilyHealth>;
  /** Whether load balancers may send traffic to this node. */
  readonly isNodeEligible: () => boolean;
  readonly metrics: ProxyMetrics;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface StatusPorts {
  readonly health: number;
  readonly metrics: number;
}

/** The ports that upstream's proxy has. */
export const usualStatusPorts: StatusPorts = { health: 10256, metrics: 10249 };

/** Another cluster's proxy on this machine may have the port, and go. */
const retryMs = 30_000;

/** Serves until the signal. */
export async function runStatusServer(options: StatusServerOptions, signal: AbortSignal): Promise<void> {
  const { ports } = options;
  await Promise.all([
    keepListening(options, { port: ports.health }, answerHealth(options), signal),
    keepListening(options, { port: ports.metrics, host: '127.0.0.1' }, answerMetrics(options), signal),
  ]);
}

async function keepListening(
  { clock, log }: StatusServerOptions,
  place: { readonly port: number; readonly host?: string },
  answer: RequestListener,
  signal: AbortSignal,
): Promise<void> {
  for (let isTold = false; !signal.aborted; ) {
    const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, answer);
    server.maxConnections = 256;
    const problem = await served(server, place, signal);
    if (problem && !isTold)
      log.info('a port of the service proxy is taken', { port: place.port, problem: problem.message });
    isTold = problem !== undefined;
    if (!signal.aborted) await clock.sleep(retryMs, signal);
  }
}

/** Settles when the server has ended, or could not begin. */
function served(
  server: Server,
  place: { readonly port: number; readonly host?: string },
  signal: AbortSignal,
): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const close = () => {
      server.close(() => resolve(undefined));
      server.closeAllConnections();
    };
    server.on('error', (error) => {
      signal.removeEventListener('abort', close);
      resolve(error);
    });
    signal.addEventListener('abort', close, { once: true });
    server.listen({ ...place, exclusive: true });
  });
}

function answerHealth({ health, isNodeEligible, metrics, clock }: StatusServerOptions): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?')[0];
    if (path !== '/healthz' && path !== '/livez') {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
      return;
    }
    const families = [...health()];
    const nodeEligible = isNodeEligible();
    const isHealthy = families.every(([, each]) => each.isHealthy);
    const code = isHealthy && (path === '/livez' || nodeEligible) ? 200 : 503;
    metrics.answered(path === '/healthz' ? 'healthz' : 'livez', code);
    const now = new Date(clock.now()).toISOString();
    const timeOf = (ms: number | undefined) => (ms === undefined ? '0001-01-01T00:00:00Z' : new Date(ms).toISOString());
    const updated = families.flatMap(([, { updatedMs }]) => updatedMs ?? []);
    const status = families.map(([family, each]) => [
      family,
      { lastUpdated: timeOf(each.updatedMs), healthy: each.isHealthy },
    ]);
    response.writeHead(code, { 'Content-Type': 'application/json', 'X-Content-Type-Options': 'nosniff' }).end(
      JSON.stringify({
        lastUpdated: code === 200 ? now : timeOf(updated.length > 0 ? Math.max(...updated) : undefined),
        currentTime: now,
        ...(path === '/healthz' ? { nodeEligible } : {}),
        healthy: isHealthy,
        ...(status.length > 0 ? { status: Object.fromEntries(status) } : {}),
      }),
    );
  };
}

function answerMetrics({ metrics }: StatusServerOptions): RequestListener {
  return (request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/healthz') response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('ok');
    else if (path === '/proxyMode')
      response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('nftables');
    else if (path === '/metrics') {
      void metrics.print().then((text) => {
        response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(text);
      });
    } else response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
  };
}
