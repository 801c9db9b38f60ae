// Counters of the DNS server, and the small HTTP server that shows them.
import { once } from 'node:events';
import { createServer } from 'node:http';

export interface DnsMetrics {
  count(transport: 'udp' | 'tcp', rcode: number): void;
  /** The counters in Prometheus' text format. */
  render(): string;
  /** Serves /metrics, /health and /ready until the signal; at once over when there is no port. */
  listen(address: string, port: number | undefined, signal: AbortSignal): Promise<void>;
}

const codeNames = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];

export function createDnsMetrics(isReady: () => boolean): DnsMetrics {
  const counters = new Map<string, number>();
  const render = () => {
    const lines = [...counters].map(([labels, value]) => `coredns_dns_responses_total{${labels}} ${value}\n`);
    return `# HELP coredns_dns_responses_total Answers by code.\n# TYPE coredns_dns_responses_total counter\n${lines.join('')}`;
  };
  return {
    count(transport, rcode) {
      const key = `proto="${transport}",rcode="${codeNames[rcode] ?? rcode}"`;
      counters.set(key, (counters.get(key) ?? 0) + 1);
    },
    render,
    async listen(address, port, signal) {
      if (port === undefined || signal.aborted) return;
      const server = createServer((request, response) => {
        if (request.url === '/metrics') response.setHeader('content-type', 'text/plain; version=0.0.4').end(render());
        else if (request.url === '/health') response.end('OK');
        else if (request.url === '/ready') response.writeHead(isReady() ? 200 : 503).end(isReady() ? 'OK' : 'starting');
        else response.writeHead(404).end();
      });
      server.on('error', () => {}); // figures are not worth the names
      server.listen(port, address);
      await once(signal, 'abort');
      server.closeAllConnections();
      server.close();
    },
  };
}
