import type { MessagePort } from 'node:worker_threads';

/** What a component's thread is started with. */
export interface ThreadData<Settings> {
  /** To the API server. */
  readonly port: MessagePort;
  /** Whom the thread may act as. */
  readonly identities: readonly string[];
  readonly control: MessagePort;
  readonly settings: Settings;
}

export type FromThread =
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'started' }
  /** What was asked for by `figures`. */
  | { readonly type: 'figures'; readonly id: number; readonly text: string }
  /** It has ended, and wants to be started again. */
  | { readonly type: 'again' }
  | { readonly type: 'stopped' };

/** What a thread is told while it runs. */
export type ToThread =
  | 'stop'
  /** Print the figures that are served at this path. */
  | { readonly type: 'figures'; readonly id: number; readonly path: string };
