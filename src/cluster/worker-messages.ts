import type { MessagePort } from 'node:worker_threads';
import type { ControllersConfig } from '../controllers/index.ts';
import type { ComponentName } from './up-options.ts';

export interface ControllersWorkerData {
  /** By identity: user name, or the name of a controller that acts as its own service account. */
  readonly ports: Readonly<Record<string, MessagePort>>;
  /** What comes in on it means: stop. */
  readonly control: MessagePort;
  readonly settings: ControllersConfig;
  readonly only: readonly ComponentName[];
  /** Nodes serve the cluster's DNS, which is then published at this range's tenth address. */
  readonly dnsServiceCidr?: string;
}

export type FromControllersWorker =
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'started' }
  | { readonly type: 'stopped' };
