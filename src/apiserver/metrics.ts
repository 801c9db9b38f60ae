// Figures for /metrics. Labels come from closed sets: verbs, served resources, codes.
import type { ResourceInfo } from '../api/resource-info.ts';
import type { ProcessMetrics } from './process-metrics.ts';
import type { RequestInfo } from './request-info.ts';

export interface RequestMetrics {
  observe(info: RequestInfo | undefined, resource: ResourceInfo | undefined, status: number, durationMs: number): void;
  /** The text that Prometheus reads. */
  print(): Promise<string>;
  readonly contentType: string;
}

const knownVerbs = new Set([
  'get',
  'list',
  'watch',
  'create',
  'update',
  'patch',
  'delete',
  'deletecollection',
  'post',
  'put',
  'head',
  'options',
]);

interface Line {
  count: number;
  sumSeconds: number;
  readonly buckets: number[];
}

interface Kind {
  readonly labels: string;
  readonly isTimed: boolean;
  /** Labels with the code, by code. */
  readonly counted: Map<number, string>;
}

const bucketSeconds = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];

/** Counts by hand on the hot path; prom-client prints the process's own figures when somebody asks. */
export function createRequestMetrics(extra: () => Promise<string>): RequestMetrics {
  const requests = new Map<string, number>();
  const durations = new Map<string, Line>();
  /** Of what was asked before: its labels, and how long it took. */
  const known = new WeakMap<object, Map<string, Kind>>();
  const kindOf = (info: RequestInfo | undefined, resource: ResourceInfo | undefined): Kind => {
    let kinds = known.get(resource ?? known);
    if (!kinds) {
      kinds = new Map();
      known.set(resource ?? known, kinds);
    }
    const verb = info && knownVerbs.has(info.verb) ? info.verb.toUpperCase() : 'other';
    const subresource = resource?.subresources.some(({ name }) => name === info!.subresource) ? info!.subresource : '';
    const key = `${verb}/${subresource}`;
    let kind = kinds.get(key);
    if (!kind) {
      const labels = resource
        ? `group="${resource.group}",resource="${resource.plural}",subresource="${subresource}",verb="${verb}",version="${resource.version}"`
        : `group="",resource="",subresource="",verb="${verb}",version=""`;
      kind = { labels, isTimed: verb !== 'WATCH', counted: new Map() };
      kinds.set(key, kind);
    }
    return kind;
  };
  let process: ProcessMetrics | undefined;

  return {
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    observe(info, resource, status, durationMs) {
      const kind = kindOf(info, resource);
      const { labels } = kind;
      let counted = kind.counted.get(status);
      if (!counted) {
        counted = `code="${status}",${labels}`;
        kind.counted.set(status, counted);
      }
      requests.set(counted, (requests.get(counted) ?? 0) + 1);
      if (!kind.isTimed) return;
      let line = durations.get(labels);
      if (!line) {
        line = { count: 0, sumSeconds: 0, buckets: bucketSeconds.map(() => 0) };
        durations.set(labels, line);
      }
      const seconds = durationMs / 1000;
      line.count++;
      line.sumSeconds += seconds;
      for (let index = 0; index < bucketSeconds.length; index++) {
        if (seconds <= bucketSeconds[index]!) line.buckets[index]!++;
      }
    },
    async print() {
      process ??= (await import('./process-metrics.ts')).createProcessMetrics();
      return [printRequests(requests), printDurations(durations), await extra(), await process.print()].join('\n');
    },
  };
}

function printRequests(requests: ReadonlyMap<string, number>): string {
  const lines = [
    '# HELP apiserver_request_total Requests by code, resource and verb.',
    '# TYPE apiserver_request_total counter',
  ];
  for (const [labels, count] of requests) lines.push(`apiserver_request_total{${labels}} ${count}`);
  return lines.join('\n');
}

function printDurations(durations: ReadonlyMap<string, Line>): string {
  const name = 'apiserver_request_duration_seconds';
  const lines = [`# HELP ${name} Time to the last byte, in seconds.`, `# TYPE ${name} histogram`];
  for (const [labels, { count, sumSeconds, buckets }] of durations) {
    for (const [index, bucket] of buckets.entries())
      lines.push(`${name}_bucket{${labels},le="${bucketSeconds[index]}"} ${bucket}`);
    lines.push(
      `${name}_bucket{${labels},le="+Inf"} ${count}`,
      `${name}_sum{${labels}} ${sumSeconds}`,
      `${name}_count{${labels}} ${count}`,
    );
  }
  return lines.join('\n');
}
