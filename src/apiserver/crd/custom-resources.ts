// Follows CustomResourceDefinitions: what is established is served, what is new gets its names, what is deleted takes
// its objects along. The table of resources changes in the same turn in which a definition's change reaches the caches,
// so that no client can have learned of it before.
import type { CustomResourceDefinition } from '../../../generated/apiextensions-v1.ts';
import type { Entry } from '../registry/entry.ts';
import { onChange } from '../registry/on-change.ts';
import type { ResourceCache } from '../registry/resource-cache.ts';
import { resourcePrefix } from '../registry/storage-key.ts';
import type { ServerParts } from '../verbs/call.ts';
import { isEstablished } from './conditions.ts';
import { ConversionMetrics } from './conversion/metrics.ts';
import { webhookConversion } from './conversion/webhook-conversion.ts';
import { DefinitionWorker } from './definition-worker.ts';
import { type ServedDefinition, serveDefinition } from './resource.ts';

export const definitionStorage = { group: 'apiextensions.k8s.io', plural: 'customresourcedefinitions' };

interface Known {
  readonly entry: Entry;
  readonly definition: CustomResourceDefinition;
  /** What being served depends on. */
  readonly key: string;
  readonly served: ServedDefinition | undefined;
}

/** Requests that found a resource before it changed have ended by then. */
const dropAfterMs = 5 * 60_000;

export class CustomResources {
  readonly #parts: ServerParts;
  readonly #cache: ResourceCache;
  readonly #known = new Map<string, Known>();
  readonly #worker: DefinitionWorker;
  readonly #timers = new Set<Disposable>();
  readonly #metrics = new ConversionMetrics();

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.#cache = parts.registry.hub.cache(resourcePrefix(definitionStorage));
    this.#worker = new DefinitionWorker(parts, () => [...this.#known.values()].map(({ definition }) => definition));
  }

  /** Figures of conversions for /metrics. */
  printMetrics(): string {
    return this.#metrics.print();
  }

  /** Serves what the caches have; to be called before the first request. */
  start(): void {
    this.#sync();
  }

  /** Follows until the signal; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    using _joined = onChange(this.#cache, () => this.#sync());
    this.#sync();
    await this.#worker.run(signal);
    for (const timer of this.#timers) timer[Symbol.dispose]();
    for (const { served } of this.#known.values()) served?.drop();
  }

  #sync(): void {
    const seen = new Set<string>();
    for (const entry of this.#cache.list()) {
      seen.add(entry.name);
      const known = this.#known.get(entry.name);
      if (known?.entry !== entry) this.#take(entry, known);
    }
    for (const [name, known] of this.#known) if (!seen.has(name)) this.#forget(name, known);
  }

  #take(entry: Entry, known: Known | undefined): void {
    const definition = entry.object as CustomResourceDefinition;
    const key = servingKey(definition);
    let served = known?.served;
    if (known?.key !== key) {
      const next = this.#compile(definition);
      this.#replace(known?.served, next);
      served = next;
    }
    this.#known.set(entry.name, { entry, definition, key, served });
    this.#worker.look(definition);
  }

  #compile(definition: CustomResourceDefinition): ServedDefinition | undefined {
    if (!isEstablished(definition)) return undefined;
    try {
      const served = serveDefinition(definition, (types) =>
        webhookConversion(this.#parts, definition, types, this.#metrics),
      );
      for (const { storage } of served.resources) resourcePrefix(storage); // names that are no keys are found out here
      return served;
    } catch (error) {
      this.#parts.log.error('a definition of custom resources cannot be served', error, {
        name: definition.metadata.name,
      });
      return undefined;
    }
  }

  #replace(before: ServedDefinition | undefined, next: ServedDefinition | undefined): void {
    const { registry } = this.#parts;
    const { table } = registry;
    const added = new Set((next?.resources ?? []).map(({ version, plural }) => `${version}/${plural}`));
    for (const resource of before?.resources ?? []) {
      if (!added.has(`${resource.version}/${resource.plural}`)) table.remove(resource);
    }
    for (const resource of next?.resources ?? []) {
      // What is built in cannot be replaced.
      const present = table.find(resource.group, resource.version, resource.plural);
      if (!present || present.custom) table.add(resource);
    }
    if (!before) return;
    // Watches show objects as the definition was when they began: they end, and clients begin again.
    for (const resource of before.resources) registry.endWatches(resource);
    this.#dropLater(before);
  }

  #dropLater(before: ServedDefinition): void {
    const timer = this.#parts.clock.timer(dropAfterMs, () => {
      this.#timers.delete(timer);
      before.drop();
    });
    this.#timers.add(timer);
  }

  #forget(name: string, known: Known): void {
    this.#known.delete(name);
    this.#replace(known.served, undefined);
    this.#worker.look(known.definition);
  }
}

function servingKey(definition: CustomResourceDefinition): string {
  const { metadata, status } = definition;
  const names = JSON.stringify(status?.acceptedNames ?? null);
  return `${metadata.uid} ${metadata.generation} ${isEstablished(definition)} ${Boolean(metadata.deletionTimestamp)} ${names}`;
}
