// Figures of webhooks, named as upstream names them. Names are those of configured webhooks, codes end at 600.

export type WebhookType = 'admit' | 'validating';

interface Line {
  count: number;
  sumSeconds: number;
  readonly buckets: number[];
}

export interface Observed {
  readonly name: string;
  readonly type: WebhookType;
  readonly operation: string;
  readonly isRejected: boolean;
  /** HTTP status; 0 when the failure was our own. */
  readonly code: number;
  readonly seconds: number;
}

const bucketSeconds = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25];
const prefix = 'apiserver_admission';
/** Configurations come and go: what is counted is bounded all the same. */
const maxLines = 2000;

export class WebhookMetrics {
  readonly #requests = new Map<string, number>();
  readonly #durations = new Map<string, Line>();
  readonly #rejections = new Map<string, number>();
  readonly #failOpens = new Map<string, number>();
  readonly #exclusions = new Map<string, number>();

  observe({ name, type, operation, isRejected, code, seconds }: Observed): void {
    const labels = `name="${name}",operation="${operation}",rejected="${isRejected}",type="${type}"`;
    count(this.#requests, `code="${Math.min(code, 600)}",${labels}`);
    let line = this.#durations.get(labels);
    if (!line) {
      if (this.#durations.size >= maxLines) return;
      line = { count: 0, sumSeconds: 0, buckets: bucketSeconds.map(() => 0) };
      this.#durations.set(labels, line);
    }
    line.count++;
    line.sumSeconds += seconds;
    for (const [index, bound] of bucketSeconds.entries()) if (seconds <= bound) line.buckets[index]!++;
  }

  rejected(
    { name, type, operation, code }: Omit<Observed, 'isRejected' | 'seconds'>,
    errorType: 'no_error' | 'calling_webhook_error' | 'apiserver_internal_error',
  ): void {
    const labels = `error_type="${errorType}",name="${name}",operation="${operation}",rejection_code="${Math.min(code, 600)}",type="${type}"`;
    count(this.#rejections, labels);
  }

  failedOpen(name: string, type: WebhookType): void {
    count(this.#failOpens, `name="${name}",type="${type}"`);
  }

  excluded(name: string, type: WebhookType, operation: string): void {
    count(this.#exclusions, `kind="webhook",name="${name}",operation="${operation}",type="${type}"`);
  }

  /** The text that Prometheus reads. */
  print(): string {
    return [
      ...counter('webhook_request_total', 'Calls of admission webhooks.', this.#requests),
      ...counter('webhook_rejection_count', 'Requests that admission webhooks ended.', this.#rejections),
      ...counter('webhook_fail_open_count', 'Calls that failed and were passed over.', this.#failOpens),
      ...counter('match_condition_exclusions_total', 'Webhooks not asked by their conditions.', this.#exclusions),
      ...this.#histogram('webhook_admission_duration_seconds', 'Time that admission webhooks took, in seconds.'),
    ].join('\n');
  }

  *#histogram(name: string, help: string): Generator<string> {
    yield `# HELP ${prefix}_${name} ${help}`;
    yield `# TYPE ${prefix}_${name} histogram`;
    for (const [labels, { count, sumSeconds, buckets }] of this.#durations) {
      for (const [index, bucket] of buckets.entries())
        yield `${prefix}_${name}_bucket{${labels},le="${bucketSeconds[index]}"} ${bucket}`;
      yield `${prefix}_${name}_bucket{${labels},le="+Inf"} ${count}`;
      yield `${prefix}_${name}_sum{${labels}} ${sumSeconds}`;
      yield `${prefix}_${name}_count{${labels}} ${count}`;
    }
  }
}

function count(lines: Map<string, number>, labels: string): void {
  if (lines.size < maxLines || lines.has(labels)) lines.set(labels, (lines.get(labels) ?? 0) + 1);
}

function* counter(name: string, help: string, lines: ReadonlyMap<string, number>): Generator<string> {
  yield `# HELP ${prefix}_${name} ${help}`;
  yield `# TYPE ${prefix}_${name} counter`;
  for (const [labels, value] of lines) yield `${prefix}_${name}{${labels}} ${value}`;
}
