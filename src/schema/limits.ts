/** What a body may hold at most. Counted before any object exists. */
export const limits = {
  /** Nesting of objects and lists. */
  depth: 512,
  /** Values of any kind. */
  nodes: 500_000,
  /** But for those of `fieldsV1`, which names every key of the object again; they count as values. */
  keys: 100_000,
  /** Characters of one string; a little more than the 1 MiB a Secret or ConfigMap may hold, in base64. */
  stringLength: 1_572_864,
} as const;

export type DecodeFailure = 'syntax' | 'type' | 'limit';

/** A body that cannot become an object. The message is upstream's; the API server answers 400 with it. */
export class DecodeError extends Error {
  readonly failure: DecodeFailure;
  /** What the body says it is, once that could be read. */
  readonly apiVersion: string | undefined;
  readonly kind: string | undefined;

  constructor(failure: DecodeFailure, message: string, says: { apiVersion?: string; kind?: string } = {}) {
    super(message);
    this.name = 'DecodeError';
    this.failure = failure;
    this.apiVersion = says.apiVersion;
    this.kind = says.kind;
  }
}
