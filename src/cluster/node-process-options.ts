import type { Layout } from './layout.ts';
import type { Settings } from './settings.ts';

/** What the node agent's process is started with: places, never secrets, since anyone can read a process's arguments. */
export interface NodeProcessOptions {
  readonly layout: Layout;
  readonly settings: Settings;
  readonly containerdSocket: string;
}
