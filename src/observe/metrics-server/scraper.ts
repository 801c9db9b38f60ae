// Looks at what all nodes use, when somebody asks.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { isSimulatedNode } from '../../api/core/simulated-node.ts';
import { emptyProgram, type SimulationProgram } from '../../api/simulation/program.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { type NodeReading, type NodeUsage, readSummary, type Summary, usageBetween } from './readings.ts';
import { simulatedUsage } from './simulated-usage.ts';

/** A look is good for so long. */
const freshMs = 5_000;
/** Two looks that are further apart say little about now. */
const staleMs = 120_000;
const betweenFirstMs = 1_000;
const scrapeTimeoutMs = 5_000;

interface Look {
  readonly atMs: number;
  readonly readings: ReadonlyMap<string, NodeReading>;
}

export interface ScraperOptions {
  readonly client: Client;
  readonly nodes: Informer<Node>;
  readonly pods: Informer<Pod>;
  /** What simulated pods live by; default: their annotations alone. */
  readonly program?: () => SimulationProgram;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Scraper {
  readonly #options: ScraperOptions;
  #last: Look | undefined;
  #usage: { readonly atMs: number; readonly byNode: Promise<ReadonlyMap<string, NodeUsage>> } | undefined;

  constructor(options: ScraperOptions) {
    this.#options = options;
  }

  /** By node; those that do not answer are missing. Those who ask at once share one look. */
  usage(): Promise<ReadonlyMap<string, NodeUsage>> {
    const nowMs = this.#options.clock.monotonicMs();
    if (!this.#usage || nowMs - this.#usage.atMs > freshMs) {
      const byNode = this.#measure();
      this.#usage = { atMs: nowMs, byNode };
      byNode.catch(() => {
        this.#usage = undefined;
      });
    }
    return this.#usage.byNode;
  }

  async #measure(): Promise<ReadonlyMap<string, NodeUsage>> {
    const { nodes, clock, program = () => emptyProgram } = this.#options;
    const simulated = nodes.list().filter(isSimulatedNode);
    const usage = new Map<string, NodeUsage>();
    const pods = simulated.length > 0 ? Map.groupBy(this.#options.pods.list(), ({ spec }) => spec.nodeName) : undefined;
    for (const { metadata } of simulated)
      usage.set(metadata.name, simulatedUsage(program(), pods?.get(metadata.name) ?? [], clock.now()));
    const real = nodes.list().filter((node) => !isSimulatedNode(node));
    if (real.length === 0) return usage;
    const isOld = !this.#last || clock.monotonicMs() - this.#last.atMs > staleMs;
    const before = isOld ? await this.#look(real) : this.#last!;
    const leftMs = before.atMs + betweenFirstMs - clock.monotonicMs();
    if (leftMs > 0) await clock.sleep(leftMs);
    const after = await this.#look(real);
    this.#last = after;
    for (const [name, reading] of after.readings) {
      const earlier = before.readings.get(name);
      if (earlier) usage.set(name, usageBetween(earlier, reading));
    }
    return usage;
  }

  async #look(nodes: readonly Node[]): Promise<Look> {
    const atMs = this.#options.clock.monotonicMs();
    const readings = new Map<string, NodeReading>();
    await Promise.all(
      nodes.map(async ({ metadata: { name } }) => {
        try {
          const path = `/api/v1/nodes/${encodeURIComponent(name)}/proxy/stats/summary`;
          const summary = await this.#options.client.getJson<Summary>(path, AbortSignal.timeout(scrapeTimeoutMs));
          readings.set(name, readSummary(summary));
        } catch (error) {
          this.#options.log.debug('a node does not tell what it uses', { node: name, problem: String(error) });
        }
      }),
    );
    return { atMs, readings };
  }
}
