// ConfigMaps and Secrets that pods of this node refer to: each watched by its own name, as long as a pod refers to it, and
// no others. A node may not list them all, and should not hold them all.
import type { ConfigMap, Secret } from '../../generated/core-v1.ts';
import { configMapKind, secretKind } from '../../generated/kinds.ts';
import type { KindRef, KubernetesObject } from '../api/meta/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import type { ReferencedReader } from './pods/environment.ts';

export interface Reference {
  readonly kind: 'ConfigMap' | 'Secret';
  readonly namespace: string;
  readonly name: string;
}

interface Watched {
  readonly reference: Reference;
  readonly owners: Set<string>;
  readonly stop: AbortController;
  /** Settles with the first look. */
  readonly first: Promise<void>;
  object: KubernetesObject | undefined;
  /** False while we cannot be sure: readers ask the server themselves. */
  isKnown: boolean;
}

const kinds: Record<Reference['kind'], KindRef<any>> = { ConfigMap: configMapKind, Secret: secretKind };
const keyOf = ({ kind, namespace, name }: Reference): string => `${kind}/${namespace}/${name}`;

export interface ReferenceCacheOptions {
  readonly client: Client;
  readonly clock: Clock;
  /** An object changed, appeared or went; these pods refer to it. */
  readonly onChange: (podUids: ReadonlySet<string>) => void;
}

/** What pods read of others, and say that they will. */
export interface PodReferences extends ReferencedReader {
  retain(podUid: string, references: readonly Reference[]): void;
}

export class ReferenceCache implements PodReferences {
  readonly #options: ReferenceCacheOptions;
  readonly #watched = new Map<string, Watched>();

  constructor(options: ReferenceCacheOptions) {
    this.#options = options;
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#read({ kind: 'ConfigMap', namespace, name });
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#read({ kind: 'Secret', namespace, name });
  }

  /** From now on the pod refers to these and no others. */
  retain(podUid: string, references: readonly Reference[]): void {
    const wanted = new Map(references.filter(({ name }) => name).map((each) => [keyOf(each), each]));
    for (const [key, watched] of this.#watched) {
      if (wanted.has(key) || !watched.owners.delete(podUid) || watched.owners.size > 0) continue;
      watched.stop.abort();
      this.#watched.delete(key);
    }
    for (const [key, reference] of wanted) {
      const watched = this.#watched.get(key) ?? this.#watch(key, reference);
      watched.owners.add(podUid);
    }
  }

  close(): void {
    for (const { stop } of this.#watched.values()) stop.abort();
    this.#watched.clear();
  }

  async #read<T>(reference: Reference): Promise<T | undefined> {
    const watched = this.#watched.get(keyOf(reference));
    if (watched) await watched.first;
    if (watched?.isKnown) return watched.object as T | undefined;
    const client = this.#options.client.resource(kinds[reference.kind]);
    return (await client.find({ namespace: reference.namespace, name: reference.name })) as T | undefined;
  }

  #watch(key: string, reference: Reference): Watched {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = new AbortController();
    const watched: Watched = { reference, owners: new Set(), stop, first: promise, object: undefined, isKnown: false };
    this.#watched.set(key, watched);
    void this.#follow(watched, resolve);
    return watched;
  }

  async #follow(watched: Watched, seen: () => void): Promise<void> {
    const { client, clock } = this.#options;
    const { kind, namespace, name } = watched.reference;
    const resource = client.resource(kinds[kind]);
    const { signal } = watched.stop;
    const selection = { namespace, fieldSelector: `metadata.name=${name}`, signal };
    while (!signal.aborted) {
      try {
        const list = await resource.list(selection);
        this.#set(watched, list.items[0]);
        seen();
        const resourceVersion = list.metadata.resourceVersion ?? '0';
        for await (const event of resource.watch({ ...selection, resourceVersion, allowBookmarks: false })) {
          if (event.type === 'DELETED') this.#set(watched, undefined);
          else if (event.type !== 'BOOKMARK') this.#set(watched, event.object as KubernetesObject);
        }
      } catch {
        watched.isKnown = false; // readers ask the server, and get its error if it has one
        seen();
        await clock.sleep(1_000, signal);
      }
    }
    seen();
  }

  #set(watched: Watched, object: KubernetesObject | undefined): void {
    const before = watched.object;
    const wasKnown = watched.isKnown;
    watched.object = object;
    watched.isKnown = true;
    if (wasKnown && before?.metadata.resourceVersion !== object?.metadata.resourceVersion)
      this.#options.onChange(watched.owners);
  }
}
