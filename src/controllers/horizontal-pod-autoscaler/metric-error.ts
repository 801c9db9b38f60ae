/** A metric could not be had. What else goes wrong is no matter of metrics. */
export class MetricError extends Error {
  /** What the whole of it begins with, and a condition goes without. */
  readonly around: readonly string[];

  constructor(message: string, around: readonly string[] = []) {
    super(message);
    this.around = around;
  }
}
