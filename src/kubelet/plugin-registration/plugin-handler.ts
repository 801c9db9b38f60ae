// What takes plugins, and what it is told of them.
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';

export interface PluginInfo {
  readonly name: string;
  /** Socket of the plugin itself, on this machine. */
  readonly endpoint: string;
  readonly supportedVersions: readonly string[];
}

/** What takes plugins of one type. */
export interface PluginHandler {
  /** `CSIPlugin`, `DRAPlugin`. */
  readonly type: string;
  /** @throws with what the plugin is told */
  register(plugin: PluginInfo): void | Promise<void>;
  /** Its socket is gone, or another took its place. */
  deregister(plugin: PluginInfo): void | Promise<void>;
}

export interface PluginWatcherOptions {
  /** Made when it is missing. */
  readonly folder: string;
  readonly handlers: readonly PluginHandler[];
  /** Where a path that a plugin tells is on this machine. */
  readonly onMachine: (path: string) => string;
  readonly clock: Clock;
  readonly log: Logger;
}
