// How long drivers take to answer, in upstream's form.

export interface CallLabels {
  readonly driver: string;
  /** `/csi.v1.Node/NodeStageVolume`. */
  readonly method: string;
  readonly code: number;
}

const bounds = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

const codes = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
];

/** Drivers beyond these are not told apart: names come from outside. */
const maxSeries = 1_000;

interface Series {
  readonly labels: string;
  readonly buckets: number[];
  sum: number;
  count: number;
}

export class CsiMetrics {
  readonly #series = new Map<string, Series>();

  observe({ driver, method, code }: CallLabels, seconds: number): void {
    const labels = [
      `driver_name=${JSON.stringify(driver)}`,
      `grpc_status_code="${codes[code] ?? 'Unknown'}"`,
      `method_name="${method}"`,
      'migrated="false"',
    ].join(',');
    let series = this.#series.get(labels);
    if (!series) {
      if (this.#series.size >= maxSeries) return;
      series = { labels, buckets: bounds.map(() => 0), sum: 0, count: 0 };
      this.#series.set(labels, series);
    }
    series.sum += seconds;
    series.count += 1;
    bounds.forEach((bound, index) => {
      if (seconds <= bound) series.buckets[index]! += 1;
    });
  }

  /** In Prometheus' text form; '' while nothing was called. */
  render(): string {
    if (this.#series.size === 0) return '';
    const name = 'csi_operations_seconds';
    const lines = [
      `# HELP ${name} [ALPHA] Container Storage Interface operation duration with gRPC error code status total`,
      `# TYPE ${name} histogram`,
    ];
    for (const { labels, buckets, sum, count } of this.#series.values()) {
      lines.push(...buckets.map((value, index) => `${name}_bucket{${labels},le="${bounds[index]}"} ${value}`));
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${count}`);
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${count}`);
    }
    return `${lines.join('\n')}\n`;
  }
}
