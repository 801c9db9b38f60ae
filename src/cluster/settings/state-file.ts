// The state file while the cluster runs: written again whenever a component starts.
import { readFileSync } from 'node:fs';
import type { Layout } from './layout.ts';
import { type ComponentStatus, clearState, identify, isContainerd, writeState } from './state.ts';

const pageBytes = 4096;

export class StateFile {
  readonly #layout: Layout;
  readonly #startedAt: string;
  readonly #components = new Map<string, ComponentStatus>();

  constructor(layout: Layout, nowMs: number) {
    this.#layout = layout;
    this.#startedAt = new Date(nowMs).toISOString();
  }

  set(name: string, pid: number, address: string): void {
    this.#components.set(name, { name, ...identify(pid), address, state: 'running' });
    this.#write();
  }

  #write(): void {
    const { name: cluster, dataDir } = this.#layout;
    writeState(this.#layout, {
      name: cluster,
      dataDir,
      startedAt: this.#startedAt,
      components: [...this.#components.values()],
    });
  }

  /** Resident memory of our processes together, containerd aside. */
  residentBytes(): number {
    const pids = new Set(
      [...this.#components.values()].filter(({ name }) => !isContainerd(name)).map(({ pid }) => pid),
    );
    return [...pids].reduce((sum, pid) => sum + residentBytesOf(pid), 0);
  }

  /** The component is no part of the cluster any more. */
  remove(name: string): void {
    if (this.#components.delete(name)) this.#write();
  }

  clear(): void {
    clearState(this.#layout);
  }
}

function residentBytesOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes;
  } catch {
    return pid === process.pid ? process.memoryUsage.rss() : 0;
  }
}
