// One request and where its answer goes, whatever carried it: HTTP/1.1, HTTP/2, a call in process, a MessagePort.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Credentials, UserInfo } from '../authn/authenticator.ts';

/** An HTTP/1.1 upgrade, for exec, attach and port-forward. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Bytes that followed the request's head. */
  readonly head: Buffer;
}

export interface ServerRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  /** Lower-case names; repeated ones joined as Node does. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** Aborts when the client goes away or the server drains. */
  readonly signal: AbortSignal;
  readonly remoteAddress: string;
  readonly upgrade?: Upgrade;
  /** Who asks, when the transport itself vouches for it (in process). */
  readonly trustedUser?: UserInfo;
  credentials(): Credentials;
  /** The whole body. @throws StatusError 413 beyond the limit, before it is in memory. */
  body(maxBytes: number): Promise<Uint8Array>;
  /** The body as it arrives, for proxies. */
  bodyStream(): AsyncIterable<Uint8Array>;
}

/**
 * Takes the pieces of a body. A write that returns false asks to wait for `drained`. `written` is called when the bytes
 * are needed no longer, if ever.
 */
export interface BodySink {
  readonly isClosed: boolean;
  write(chunk: Uint8Array, written?: () => void): boolean;
  /** Settles when writing may go on, or the client is gone. */
  drained(): Promise<void>;
}

export interface ServerResponse extends BodySink {
  head(status: number, headers: Readonly<Record<string, string | readonly string[]>>): void;
  end(chunk?: Uint8Array): void;
  /** Breaks the answer off, so that the client sees it is incomplete. */
  destroy(): void;
}

export function header(request: Pick<ServerRequest, 'headers'>, name: string): string {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}
