// Finds the sockets of plugins in one folder, and registers and unregisters what is behind them.
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Component } from '../../base/component.ts';
import { rpcErrorText } from '../runtime/rpc-error.ts';
import type { PluginHandler, PluginInfo, PluginWatcherOptions } from './plugin-handler.ts';
import { registerSocket } from './register-socket.ts';

interface Found {
  /** Differs when the socket was made anew. */
  readonly identity: string;
  registered?: { readonly handler: PluginHandler; readonly plugin: PluginInfo };
  /** The conversation with it goes on. */
  isTrying: boolean;
  retryAtMs: number;
  waitMs: number;
}

/** Folders below the watched one are looked into, so deep and so many. */
const maxFolders = 64;
const maxSockets = 256;
const firstWaitMs = 500;
const lastWaitMs = 122_000;
const lookMs = 5_000;

/** Runs until its signal; plugins stay registered with their handlers. */
export function createPluginWatcher(options: PluginWatcherOptions): Component {
  return { name: 'plugin-watcher', run: (signal) => new PluginWatcher(options).run(signal) };
}

class PluginWatcher {
  readonly #options: PluginWatcherOptions;
  readonly #found = new Map<string, Found>();
  readonly #watchers = new Map<string, FSWatcher>();
  #wake: () => void = () => undefined;
  #hasNews = true;
  readonly #running = new Set<Promise<void>>();

  constructor(options: PluginWatcherOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { folder, log } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const wake = (): void => this.#notify();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        this.#hasNews = false;
        await this.#look(signal).catch((error) => log.warn('plugins were not looked for', { error: String(error) }));
        await this.#pause(signal);
      }
    } finally {
      signal.removeEventListener('abort', wake);
      for (const watcher of this.#watchers.values()) watcher.close();
      await Promise.all(this.#running);
    }
  }

  #notify(): void {
    this.#hasNews = true;
    this.#wake();
  }

  /** Until something happens in the folder, a retry is due, or a while has passed. */
  async #pause(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    if (this.#hasNews || signal.aborted) return;
    const waits = [...this.#found.values()]
      .filter((each) => !each.registered && !each.isTrying)
      .map((each) => each.retryAtMs);
    const waitMs = Math.max(10, Math.min(lookMs, ...waits.map((atMs) => atMs - clock.monotonicMs())));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    using _ = clock.timer(waitMs, resolve);
    await promise;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const sockets = await this.#sockets();
    for (const [path, found] of this.#found)
      if (sockets.get(path) !== found.identity) {
        this.#found.delete(path);
        await this.#deregister(found);
      }
    for (const [path, identity] of sockets)
      if (!this.#found.has(path))
        this.#found.set(path, { identity, isTrying: false, retryAtMs: 0, waitMs: firstWaitMs });
    for (const [path, found] of this.#found) {
      if (found.registered || found.isTrying || found.retryAtMs > clock.monotonicMs()) continue;
      // Nobody waits for it: one that hangs does not keep the others, and those that come later, waiting.
      const running = this.#try(path, found, signal).finally(() => this.#running.delete(running));
      this.#running.add(running);
    }
  }

  async #try(path: string, found: Found, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    found.isTrying = true;
    try {
      found.registered = await registerSocket(path, this.#options, signal);
      log.info('plugin registered', { type: found.registered.handler.type, plugin: found.registered.plugin.name });
      // Gone, or made anew, while we spoke.
      if (this.#found.get(path) !== found) await this.#deregister(found);
    } catch (error) {
      if (signal.aborted) return;
      log.warn('a plugin was not registered', { socket: path, problem: rpcErrorText(error) });
      found.retryAtMs = clock.monotonicMs() + found.waitMs;
      found.waitMs = Math.min(lastWaitMs, found.waitMs * 2);
    } finally {
      found.isTrying = false;
      this.#notify();
    }
  }

  async #deregister({ registered }: Found): Promise<void> {
    if (!registered) return;
    const { log } = this.#options;
    const { handler, plugin } = registered;
    log.info('plugin is gone', { type: handler.type, plugin: plugin.name });
    try {
      await handler.deregister(plugin);
    } catch (error) {
      log.warn('a plugin was not let go', { plugin: plugin.name, problem: String(error) });
    }
  }

  /** Identity of each socket by its path. Watches every folder on the way. */
  async #sockets(): Promise<Map<string, string>> {
    const sockets = new Map<string, string>();
    const folders = [this.#options.folder];
    for (const folder of folders) {
      this.#watch(folder);
      for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
        if (entry.name.startsWith('.')) continue;
        const path = join(folder, entry.name);
        if (entry.isDirectory() && folders.length < maxFolders) folders.push(path);
        if (!entry.isSocket() || sockets.size >= maxSockets) continue;
        const stats = await stat(path).catch(() => undefined);
        if (stats) sockets.set(path, `${stats.dev}:${stats.ino}:${stats.birthtimeMs}`);
      }
    }
    for (const [folder, watcher] of this.#watchers)
      if (!folders.includes(folder)) {
        watcher.close();
        this.#watchers.delete(folder);
      }
    return sockets;
  }

  #watch(folder: string): void {
    if (this.#watchers.has(folder)) return;
    try {
      const watcher = watch(folder, () => this.#notify());
      watcher.on('error', () => undefined);
      this.#watchers.set(folder, watcher);
    } catch {
      // No watches left on this machine: it is looked at every few seconds anyway.
    }
  }
}
