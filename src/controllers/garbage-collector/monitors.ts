// Follows every kind that can be listed, watched and deleted, custom ones as they come and go, and tells the graph.
import type { ObjectMeta } from '../../../generated/meta-v1.ts';
import { apiVersionOf, type KindRef, type KubernetesObject } from '../../api/meta/object.ts';
import { linkSignal } from '../../base/signals.ts';
import type { ControllerContext } from '../../reconcile/controller.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { runReflector } from '../../reconcile/reflector.ts';
import type { DiscoveredResource } from '../shared/discover.ts';
import type { Graph } from './graph.ts';

interface Monitor {
  readonly resource: KindRef<KubernetesObject>;
  readonly synced: Promise<void>;
  stop(): void;
}

/** Events are many, own nothing and expire by themselves. */
const isIgnored = ({ plural }: DiscoveredResource) => plural === 'events';
const idOf = ({ group, plural }: { group: string; plural: string }) => `${plural}.${group}`;

export class Monitors {
  readonly #context: ControllerContext;
  readonly #graph: Graph;
  /** Kinds that other controllers cache anyway: what they hear, the graph hears. */
  readonly #shared: ReadonlyMap<string, Informer<any>>;
  readonly #monitors = new Map<string, Monitor>();
  readonly #running = new Set<Promise<void>>();

  constructor(context: ControllerContext, graph: Graph, shared: readonly KindRef<any>[]) {
    this.#context = context;
    this.#graph = graph;
    this.#shared = new Map(shared.map((kind) => [idOf(kind), context.informers.informer(kind)]));
    for (const kind of shared) this.#share(kind);
  }

  /** Starts and stops monitors so that they are those of `resources`. */
  update(resources: readonly DiscoveredResource[], signal: AbortSignal): void {
    const wanted = new Map<string, DiscoveredResource>();
    for (const resource of resources) {
      const isFollowed = ['list', 'watch', 'delete'].every((verb) => resource.verbs.includes(verb));
      if (isFollowed && !isIgnored(resource) && !this.#shared.has(idOf(resource))) wanted.set(idOf(resource), resource);
    }
    for (const [id, monitor] of this.#monitors) {
      const still = wanted.get(id);
      if (still && apiVersionOf(still) === apiVersionOf(monitor.resource)) continue;
      monitor.stop();
      this.#monitors.delete(id);
      for (const node of this.#graph.nodesOf(monitor.resource)) this.#graph.remove(node.uid);
    }
    for (const [id, resource] of wanted) {
      if (!this.#monitors.has(id)) this.#monitors.set(id, this.#start(resource, signal));
    }
  }

  /** Settles when all monitors there are now have their first list. */
  async synced(): Promise<void> {
    await Promise.all([...this.#monitors.values()].map((monitor) => monitor.synced));
  }

  async stopped(): Promise<void> {
    await Promise.all(this.#running);
  }

  #share(kind: KindRef<KubernetesObject>): void {
    const put = ({ metadata }: { metadata: ObjectMeta }) => this.#graph.put(kind, metadata);
    const deleted = ({ metadata }: { metadata: ObjectMeta }) => this.#graph.remove(metadata.uid ?? '');
    this.#shared.get(idOf(kind))?.onChange({ added: put, updated: put, deleted });
  }

  #start(resource: DiscoveredResource, parent: AbortSignal): Monitor {
    const { resolve: markSynced, promise: synced } = Promise.withResolvers<void>();
    const graph = this.#graph;
    const seen = new Set<string>();
    const kind: KindRef<KubernetesObject> = { ...resource, metadataOnly: true };
    const put = ({ metadata }: KubernetesObject) => graph.put(kind, metadata);
    const sink = {
      listed(objects: readonly KubernetesObject[]) {
        for (const object of objects) {
          seen.add(object.metadata.uid ?? '');
          put(object);
        }
      },
      listEnded() {
        for (const node of graph.nodesOf(kind)) if (!seen.has(node.uid)) graph.remove(node.uid);
        seen.clear();
        markSynced();
      },
      changed(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubernetesObject) {
        if (type === 'DELETED') graph.remove(object.metadata.uid ?? '');
        else put(object);
      },
    };
    const linked = linkSignal([parent]);
    const { client, clock, random, log } = this.#context;
    const run = runReflector({ client, clock, random, log, kind, sink }, linked.signal).finally(() => {
      linked[Symbol.dispose]();
      this.#running.delete(run);
    });
    this.#running.add(run);
    return { resource: kind, synced, stop: () => linked.abort() };
  }
}
