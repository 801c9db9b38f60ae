import type { MessagePort } from 'node:worker_threads';

/** What a component's thread is started with. */
export interface ThreadData<Settings> {
  /** To the API server, by identity. */
  readonly ports: Readonly<Record<string, MessagePort>>;
  /** What comes in on it means: stop. */
  readonly control: MessagePort;
  readonly settings: Settings;
}

export type FromThread =
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'started' }
  /** It has ended, and wants to be started again. */
  | { readonly type: 'again' }
  | { readonly type: 'stopped' };
