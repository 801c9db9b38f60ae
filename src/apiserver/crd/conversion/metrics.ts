// Figures of conversion webhooks, named as upstream names them.

export type ConversionFailure =
  | 'conversion_webhook_call_failure'
  | 'conversion_webhook_malformed_response_failure'
  | 'conversion_webhook_partial_response_failure'
  | 'conversion_webhook_invalid_converted_object_failure';

interface Line {
  count: number;
  sumSeconds: number;
  readonly buckets: number[];
}

const bucketSeconds = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60];
const name = 'apiserver_conversion_webhook';

export class ConversionMetrics {
  readonly #lines = new Map<string, Line>();

  /** One call; without a failure it succeeded. */
  observe(seconds: number, failure?: ConversionFailure): void {
    const labels = `failure_type="${failure ?? ''}",result="${failure ? 'failure' : 'success'}"`;
    let line = this.#lines.get(labels);
    if (!line) {
      line = { count: 0, sumSeconds: 0, buckets: bucketSeconds.map(() => 0) };
      this.#lines.set(labels, line);
    }
    line.count++;
    line.sumSeconds += seconds;
    for (const [index, bound] of bucketSeconds.entries()) if (seconds <= bound) line.buckets[index]!++;
  }

  /** The text that Prometheus reads; empty before the first call. */
  print(): string {
    if (this.#lines.size === 0) return '';
    const lines = [...this.#lines];
    return [
      `# HELP ${name}_request_total Calls of conversion webhooks.`,
      `# TYPE ${name}_request_total counter`,
      ...lines.map(([labels, { count }]) => `${name}_request_total{${labels}} ${count}`),
      `# HELP ${name}_duration_seconds Time that conversion webhooks took, in seconds.`,
      `# TYPE ${name}_duration_seconds histogram`,
      ...lines.flatMap(([labels, { count, sumSeconds, buckets }]) => [
        ...buckets.map(
          (bucket, index) => `${name}_duration_seconds_bucket{${labels},le="${bucketSeconds[index]}"} ${bucket}`,
        ),
        `${name}_duration_seconds_bucket{${labels},le="+Inf"} ${count}`,
        `${name}_duration_seconds_sum{${labels}} ${sumSeconds}`,
        `${name}_duration_seconds_count{${labels}} ${count}`,
      ]),
    ].join('\n');
  }
}
