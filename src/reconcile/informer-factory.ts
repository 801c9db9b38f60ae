import { apiVersionOf, type KindRef, type KubernetesObject } from '../api/meta/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { untilAborted, untilSettled } from '../base/signals.ts';
import type { Client } from '../client/client.ts';
import type { Informer, InformerFactory, InformerOptions } from './informer.ts';
import { runReflector } from './reflector.ts';
import { SharedInformer } from './shared-informer.ts';

export interface InformerFactoryOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

interface Entry {
  readonly informer: SharedInformer<any>;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Informers over one client, one for each kind and selection, however many ask. */
export function createInformerFactory(options: InformerFactoryOptions): InformerFactory {
  return new SharedInformerFactory(options);
}

class SharedInformerFactory implements InformerFactory {
  readonly #options: InformerFactoryOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #running: Promise<void>[] = [];
  #signal: AbortSignal | undefined;

  constructor(options: InformerFactoryOptions) {
    this.#options = options;
  }

  informer<T extends KubernetesObject>(kind: KindRef<T>, selection: InformerOptions = {}): Informer<T> {
    const { namespace = '', labelSelector = '', fieldSelector = '' } = selection;
    const shape = kind.metadataOnly ? 'metadata' : '';
    const id = [apiVersionOf(kind), kind.plural, shape, namespace, labelSelector, fieldSelector].join('|');
    const known = this.#entries.get(id);
    if (known) return known.informer;
    const informer = new SharedInformer<T>(this.#options.log);
    const run = (signal: AbortSignal) => runReflector({ ...this.#options, kind, selection, sink: informer }, signal);
    const entry: Entry = { informer, run };
    this.#entries.set(id, entry);
    this.#start(entry);
    return informer;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const entry of this.#entries.values()) this.#start(entry);
    await untilAborted(signal);
    await Promise.all(this.#running);
  }

  async waitForSync(signal: AbortSignal): Promise<void> {
    const all = [...this.#entries.values()].map(({ informer }) => informer);
    await untilSynced(all, signal);
  }

  #start(entry: Entry): void {
    if (this.#signal && !this.#signal.aborted) this.#running.push(entry.run(this.#signal));
  }
}

/** Settles when all have their first list, or when the signal aborts. */
export async function untilSynced(informers: readonly SharedInformer<any>[], signal: AbortSignal): Promise<void> {
  await untilSettled(Promise.all(informers.map((informer) => informer.synced())), signal);
}
