// Figures of the DNS server under the names that CoreDNS gives its own, and the small HTTP server that shows them.
import { once } from 'node:events';
import type { ForwardEvent } from './forwarder.ts';
import { typeNumbers } from './message.ts';

/** What is told apart in the figures of an answer. */
export interface AnswerFacts {
  readonly transport: 'udp' | 'tcp';
  /** `A`; `other` for what has no place of its own. */
  readonly type: string;
  readonly rcode: number;
  /** Who answered; none for what was no question. */
  readonly plugin: 'kubernetes' | 'forward' | '';
}

export interface AnswerSizes {
  readonly questionBytes: number;
  readonly replyBytes: number;
  readonly ms: number;
}

/** Counts answers of one sort. */
export type Tally = (sizes: AnswerSizes) => void;

export interface DnsMetrics {
  tally(facts: AnswerFacts): Tally;
  /** An answer given again from what is kept whole. */
  hit(): void;
  forwarded(event: ForwardEvent): void;
  /** The figures in Prometheus' text format. */
  render(): string;
  /** Serves /metrics, /health and /ready until the signal; at once over when there is no port. */
  listen(address: string, port: number | undefined, signal: AbortSignal): Promise<void>;
}

interface Figure {
  readonly help: string;
  readonly type: 'counter' | 'histogram';
  readonly cells: Map<string, Cell>;
}

/** A number, or the buckets of a histogram with their sum. */
interface Cell {
  count: number;
  sum: number;
  readonly buckets: readonly number[];
  readonly counts: number[];
}

const codeNames = 'NOERROR FORMERR SERVFAIL NXDOMAIN NOTIMP REFUSED YXDOMAIN YXRRSET NXRRSET NOTAUTH NOTZONE'.split(
  ' ',
);
/** One of a closed set, whatever servers and clients send. */
const codeName = (rcode: number): string => codeNames[rcode] ?? (rcode === 16 ? 'BADVERS' : 'other');
const typeName = (type: string): string => (Object.hasOwn(typeNumbers, type) ? type : 'other');
const server = 'server="dns://:53"';
const seconds = Array.from({ length: 16 }, (_, index) => 0.00025 * 2 ** index);
const bytes = [0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16_000, 32_000, 48_000, 64_000];
const place = `${server},zone=".",view=""`;

class Figures {
  readonly #figures = new Map<string, Figure>();

  cell(name: string, help: string, labels: string, buckets?: readonly number[]): Cell {
    let figure = this.#figures.get(name);
    if (!figure) {
      figure = { help, type: buckets ? 'histogram' : 'counter', cells: new Map() };
      this.#figures.set(name, figure);
    }
    let cell = figure.cells.get(labels);
    if (!cell) {
      cell = { count: 0, sum: 0, buckets: buckets ?? [], counts: (buckets ?? []).map(() => 0) };
      figure.cells.set(labels, cell);
    }
    return cell;
  }

  render(): string {
    const lines: string[] = [];
    for (const [name, { help, type, cells }] of this.#figures) {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      for (const [labels, cell] of cells) lines.push(...linesOf(name, type, labels, cell));
    }
    return `${lines.join('\n')}\n`;
  }
}

function linesOf(name: string, type: Figure['type'], labels: string, cell: Cell): string[] {
  if (type === 'counter') return [`${name}{${labels}} ${cell.count}`];
  let sofar = 0;
  const buckets = cell.buckets.map((limit, index) => {
    sofar += cell.counts[index]!;
    return `${name}_bucket{${labels},le="${limit}"} ${sofar}`;
  });
  return [
    ...buckets,
    `${name}_bucket{${labels},le="+Inf"} ${cell.count}`,
    `${name}_sum{${labels}} ${cell.sum}`,
    `${name}_count{${labels}} ${cell.count}`,
  ];
}

function observe(cell: Cell, value: number): void {
  cell.count++;
  cell.sum += value;
  const { buckets } = cell;
  for (let index = 0; index < buckets.length; index++) {
    if (value > buckets[index]!) continue;
    cell.counts[index]!++;
    return;
  }
}

export function createDnsMetrics(isReady: () => boolean): DnsMetrics {
  const figures = new Figures();
  const tallies = new Map<string, Tally>();
  const cache = `${server},zones=".",view=""`;
  const hits = figures.cell('coredns_cache_hits_total', 'The count of cache hits.', cache);
  const misses = figures.cell('coredns_cache_misses_total', 'The count of cache misses.', cache);
  const rejects = figures.cell(
    'coredns_forward_max_concurrent_rejects_total',
    'Counter of the number of queries rejected because the concurrent queries were at maximum.',
    '',
  );
  const simple = { hit: hits, miss: misses, refused: rejects };

  function newTally({ transport, type, rcode, plugin }: AnswerFacts): Tally {
    const proto = `${place},proto="${transport}"`;
    const code = codeName(rcode);
    const asked = typeName(type);
    const requests = figures.cell(
      'coredns_dns_requests_total',
      'Counter of DNS requests made per zone, protocol and family.',
      `${proto},family="1",type="${asked}"`,
    );
    const responses = figures.cell(
      'coredns_dns_responses_total',
      'Counter of response status codes.',
      `${place},rcode="${code}",plugin="${plugin}"`,
    );
    const times = figures.cell(
      'coredns_dns_request_duration_seconds',
      'Histogram of the time (in seconds) each request took per zone.',
      place,
      seconds,
    );
    const sizes = (what: string, help: string) => figures.cell(`coredns_dns_${what}_size_bytes`, help, proto, bytes);
    const questions = sizes('request', 'Size of the EDNS0 UDP buffer in bytes (64K for TCP) per zone and protocol.');
    const replies = sizes('response', 'Size of the returned response in bytes.');
    return ({ questionBytes, replyBytes, ms }) => {
      requests.count++;
      responses.count++;
      observe(times, ms / 1000);
      observe(questions, questionBytes);
      observe(replies, replyBytes);
    };
  }

  return {
    tally(facts) {
      const key = `${facts.transport} ${typeName(facts.type)} ${codeName(facts.rcode)} ${facts.plugin}`;
      let tally = tallies.get(key);
      if (!tally) {
        tally = newTally(facts);
        tallies.set(key, tally);
      }
      return tally;
    },
    hit: () => void hits.count++,
    forwarded(event) {
      if (event.kind !== 'asked') {
        simple[event.kind].count++;
        return;
      }
      const rcode = event.rcode === undefined ? 'TIMEOUT' : codeName(event.rcode);
      const labels = `proxy_name="forward",to="${event.to}",rcode="${rcode}"`;
      const help = 'Histogram of the time each request took.';
      observe(figures.cell('coredns_proxy_request_duration_seconds', help, labels, seconds), event.ms / 1000);
    },
    render: () => figures.render(),
    async listen(address, port, signal) {
      if (port === undefined || signal.aborted) return;
      const { createServer } = await import('node:http');
      const server = createServer((request, response) => {
        if (request.url === '/metrics')
          response.setHeader('content-type', 'text/plain; version=0.0.4').end(figures.render());
        else if (request.url === '/health') response.end('OK');
        else if (request.url === '/ready') response.writeHead(isReady() ? 200 : 503).end(isReady() ? 'OK' : 'starting');
        else response.writeHead(404).end();
      });
      server.on('error', () => {}); // figures are not worth the names
      server.listen(port, address);
      if (!signal.aborted) await once(signal, 'abort');
      server.closeAllConnections();
      server.close();
    },
  };
}
