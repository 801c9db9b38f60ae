// Simulated nodes as a provider: it makes and deletes Node objects, and whoever simulates nodes brings them to life.
import type { Node } from '../../../generated/core-v1.ts';
import { nodeKind } from '../../../generated/kinds.ts';
import { declaredFeatures } from '../../api/core/declared-features.ts';
import { isAlreadyExists, isNotFound, StatusError } from '../../api/meta/status-error.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import { untilAborted } from '../../base/signals.ts';
import type { Client } from '../../client/client.ts';
import type { NodeGroupConfig } from './config.ts';
import type { NodeGroup, NodeProvider } from './provider.ts';

/** Names the group of a node. */
export const nodeGroupLabel = 'simulated.coracle.dev/node-group';

export interface SimulatedProviderOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly groups: readonly NodeGroupConfig[];
}

/** How long it is asked for a node again: about three minutes. */
const [firstRetryMs, lastRetryMs, mostTries] = [1_000, 30_000, 10];
const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';

export class SimulatedProvider implements NodeProvider {
  readonly name = 'simulated';
  readonly #groups: readonly SimulatedGroup[];

  constructor(options: SimulatedProviderOptions) {
    this.#groups = options.groups.map((config) => new SimulatedGroup(config, options));
  }

  groups(): readonly NodeGroup[] {
    return this.#groups;
  }

  groupOf({ metadata }: Node): string | undefined {
    const name = metadata.labels?.[nodeGroupLabel];
    return this.#groups.some((group) => group.name === name) ? name : undefined;
  }

  refresh(nodes: readonly Node[]): void {
    const names = new Map<string, string[]>();
    for (const node of nodes) {
      const group = this.groupOf(node);
      if (group) names.set(group, [...(names.get(group) ?? []), node.metadata.name]);
    }
    for (const group of this.#groups) group.refresh(names.get(group.name) ?? []);
  }

  async run(signal: AbortSignal): Promise<void> {
    for (const group of this.#groups) group.signal = signal;
    await untilAborted(signal);
    await Promise.all(this.#groups.map((group) => group.settled()));
  }
}

class SimulatedGroup implements NodeGroup {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  signal: AbortSignal | undefined;
  readonly #config: NodeGroupConfig;
  readonly #options: SimulatedProviderOptions;
  /** Names that exist, and names on their way. */
  #names = new Set<string>();
  readonly #coming = new Set<string>();
  readonly #work = new Set<Promise<void>>();

  constructor(config: NodeGroupConfig, options: SimulatedProviderOptions) {
    this.#config = config;
    this.#options = options;
    this.name = config.name;
    this.min = config.min;
    this.max = config.max;
  }

  refresh(names: readonly string[]): void {
    this.#names = new Set(names);
    for (const name of names) this.#coming.delete(name);
  }

  target(): number {
    return this.#names.size + this.#coming.size;
  }

  template(): Node {
    return this.#nodeCalled(`${this.name}-template`);
  }

  async increase(by: number, signal: AbortSignal): Promise<void> {
    if (this.target() + by > this.max)
      throw new Error(`size increase too large, desired: ${this.target() + by} max: ${this.max}`);
    for (let count = 0; count < by; count++) {
      const name = this.#newName();
      this.#coming.add(name);
      const work = this.#boot(name, this.signal ?? signal).finally(() => this.#work.delete(work));
      this.#work.add(work);
    }
  }

  async deleteNodes(nodes: readonly Node[]): Promise<void> {
    for (const { metadata } of nodes) {
      await this.#options.client
        .resource(nodeKind)
        .delete({ namespace: '', name: metadata.name })
        .catch((error) => {
          if (!isNotFound(error)) throw error;
        });
      this.#names.delete(metadata.name);
      this.#coming.delete(metadata.name);
    }
  }

  async settled(): Promise<void> {
    await Promise.all(this.#work);
  }

  async #boot(name: string, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    await clock.sleep((this.#config.bootSeconds ?? 0) * 1000, signal);
    for (let tries = 1; !signal.aborted && this.#coming.has(name); tries++) {
      try {
        if (!(await this.#make(name, signal))) this.#coming.delete(name);
        return;
      } catch (error) {
        if (signal.aborted) return;
        // Without an answer it may have been made all the same: who gave it up would ask for one too many.
        if (isRefusal(error) || tries === mostTries) {
          this.#coming.delete(name);
          log.warn('a node could not be made', { node: name, problem: String(error) });
          return;
        }
      }
      await clock.sleep(Math.min(lastRetryMs, firstRetryMs * 2 ** (tries - 1)), signal);
    }
  }

  /** Whether it is there then, and of this group. */
  async #make(name: string, signal: AbortSignal): Promise<boolean> {
    const nodes = this.#options.client.resource(nodeKind);
    try {
      await nodes.create(this.#nodeCalled(name), { signal });
      return true;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const found = await nodes.find({ namespace: '', name });
      return found?.metadata.labels?.[nodeGroupLabel] === this.name;
    }
  }

  #newName(): string {
    const { random } = this.#options;
    for (;;) {
      const suffix = Array.from({ length: 5 }, () => suffixLetters[Math.floor(random.next() * suffixLetters.length)]);
      const name = `${this.name}-${suffix.join('')}`;
      if (!this.#names.has(name) && !this.#coming.has(name)) return name;
    }
  }

  #nodeCalled(name: string): Node {
    const { labels, taints, resources } = this.#config;
    const amounts = { pods: '110', 'ephemeral-storage': '100Gi', ...resources };
    return {
      metadata: {
        name,
        annotations: { 'kwok.x-k8s.io/node': 'fake' },
        labels: {
          'kubernetes.io/hostname': name,
          'kubernetes.io/os': 'linux',
          'kubernetes.io/arch': 'amd64',
          ...labels,
          [nodeGroupLabel]: this.name,
        },
      },
      spec: taints?.length ? { taints: [...taints] } : {},
      status: { capacity: amounts, allocatable: amounts, declaredFeatures: [...declaredFeatures] },
    } as Node;
  }
}

/** Asking again would be of no use. */
function isRefusal(error: unknown): boolean {
  return error instanceof StatusError && error.code < 500 && error.code !== 408 && error.code !== 429;
}
