// How a request reaches the API server: over HTTPS, or through the same pipeline in process. Components do not know which.

export interface TransportRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, encoded: `/api/v1/pods?watch=true`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

export interface TransportResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The whole body for ordinary answers. Rejects when the connection fails. */
  bytes(): Promise<Uint8Array>;
  /** The body as it arrives, for watches and logs. Use one of the two, once. Ending the iteration closes the stream. */
  stream(): AsyncIterable<Uint8Array>;
}

/** Rejects when no answer comes; an HTTP error status is an answer. */
export interface Transport extends AsyncDisposable {
  request(request: TransportRequest): Promise<TransportResponse>;
}
