// What a worker thread and the API server say to each other over a MessagePort. One postMessage carries an array of
// these, so that a turn of the event loop costs one hop however many requests and chunks it made.

/** Worker → server: starts a request. `id` is chosen by the worker and not used again while the request lives. */
export interface PortRequest {
  readonly type: 'request';
  readonly id: number;
  /** Which of the worker's identities asks. */
  readonly as: string;
  readonly method: string;
  /** Path and query, encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** Worker → server: the answer is no longer wanted. Server → worker: the answer broke off before its end. */
export interface PortAbort {
  readonly type: 'abort';
  readonly id: number;
}

/** Worker → server: `bytes` of this answer have been taken in; the server sends no more than a window ahead. */
export interface PortCredit {
  readonly type: 'credit';
  readonly id: number;
  readonly bytes: number;
}

/** Server → worker: the head of the answer; header names are lower-case. */
export interface PortHead {
  readonly type: 'head';
  readonly id: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Server → worker: a piece of the body. */
export interface PortChunk {
  readonly type: 'chunk';
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** Server → worker: the answer is complete. */
export interface PortEnd {
  readonly type: 'end';
  readonly id: number;
}

export type PortToServer = PortRequest | PortAbort | PortCredit;
export type PortToClient = PortHead | PortChunk | PortEnd | PortAbort;

/** Bytes of one answer that may be under way without a credit. */
export const portWindowBytes = 1024 * 1024;
