// Ports of the node where load balancers ask whether it has endpoints of a Service, under externalTrafficPolicy Local.
import { createServer, type Server } from 'node:http';
import type { Logger } from '../../base/log.ts';

/** What a Service's port is to say. */
export interface HealthReport {
  readonly port: number;
  /** Ready endpoints on this node. */
  readonly localEndpoints: number;
}

export interface HealthPortsOptions {
  /** Whether the rules are up to date. */
  readonly isProxyHealthy: () => boolean;
  readonly log: Logger;
}

interface Open {
  readonly server: Server;
  report: HealthReport;
}

export class HealthPorts {
  readonly #options: HealthPortsOptions;
  readonly #open = new Map<string, Open>();

  constructor(options: HealthPortsOptions) {
    this.#options = options;
  }

  /** @param serviceKey `namespace/name`; @param report undefined: the Service has no such port */
  set(serviceKey: string, report: HealthReport | undefined): void {
    const now = this.#open.get(serviceKey);
    if (now && now.report.port === report?.port) {
      now.report = report;
      return;
    }
    if (now) this.#close(serviceKey, now);
    if (report) this.#listen(serviceKey, report);
  }

  close(): void {
    for (const [key, open] of this.#open) this.#close(key, open);
  }

  #listen(serviceKey: string, report: HealthReport): void {
    const open: Open = { server: createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }), report };
    open.server.maxConnections = 256;
    open.server.on('request', (_, response) => {
      const { localEndpoints } = open.report;
      const serviceProxyHealthy = this.#options.isProxyHealthy();
      response.writeHead(localEndpoints > 0 && serviceProxyHealthy ? 200 : 503, {
        'Content-Type': 'application/json',
        'X-Content-Type-Options': 'nosniff',
        'X-Load-Balancing-Endpoint-Weight': String(localEndpoints),
      });
      const [namespace, name] = serviceKey.split('/');
      response.end(JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, null, '\t'));
    });
    open.server.on('error', (error) => {
      this.#options.log.warn('a health check port could not be opened', {
        service: serviceKey,
        port: report.port,
        problem: error.message,
      });
      // It is tried again when the Service changes.
      if (this.#open.get(serviceKey) === open) this.#open.delete(serviceKey);
    });
    open.server.listen(report.port);
    this.#open.set(serviceKey, open);
  }

  #close(serviceKey: string, { server }: Open): void {
    this.#open.delete(serviceKey);
    server.close();
    server.closeAllConnections();
  }
}
