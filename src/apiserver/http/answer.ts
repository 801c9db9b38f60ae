// What a handler gives back. Handlers never write to the wire: respond.ts does.
import type { KubernetesObject } from '../../api/meta/object.ts';
import type { BodySink } from './exchange.ts';

export type AnswerHeaders = Readonly<Record<string, string | readonly string[]>>;

/** An object, rendered as the request's Accept header asks. `typeName` is its schema name, for protobuf. */
export interface ObjectAnswer {
  readonly type: 'object';
  readonly status: number;
  readonly object: unknown;
  readonly typeName: string;
  readonly headers?: AnswerHeaders;
}

/** Bytes that are already as they should be. */
export interface BytesAnswer {
  readonly type: 'bytes';
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  readonly headers?: AnswerHeaders;
}

/** A body written piece by piece. `write` settles when it is complete; it must heed the sink's backpressure. */
export interface StreamAnswer {
  readonly type: 'stream';
  readonly status: number;
  readonly contentType: string;
  readonly lengthBytes?: number;
  readonly headers?: AnswerHeaders;
  /** Small pieces that matter at once (watch, logs): never compressed or held back. */
  readonly isLive?: boolean;
  write(sink: BodySink): Promise<void>;
}

/** The handler took over the connection (upgrade) and answers by itself. */
export interface TakenAnswer {
  readonly type: 'taken';
}

export type Answer = ObjectAnswer | BytesAnswer | StreamAnswer | TakenAnswer;

const statusType = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';

export function objectAnswer(status: number, object: KubernetesObject, typeName: string): ObjectAnswer {
  return { type: 'object', status, object, typeName };
}

/** A `Status` object as an ordinary answer: `Success` of a deletion or binding. */
export function statusAnswer(status: number, body: object): ObjectAnswer {
  return { type: 'object', status, object: body, typeName: statusType };
}

export function textAnswer(status: number, text: string, headers: AnswerHeaders = {}): BytesAnswer {
  return { type: 'bytes', status, contentType: 'text/plain; charset=utf-8', body: Buffer.from(text), headers };
}
