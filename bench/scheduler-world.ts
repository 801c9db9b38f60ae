// A cluster in memory for the scheduler: what it watches, and what it writes takes effect at once. No API server, no bytes.
import type { Node, Pod } from '../generated/core-v1.ts';
import { nodeKind, podKind } from '../generated/kinds.ts';
import { type KindRef, type KubernetesObject, keyOf } from '../src/api/meta/object.ts';
import type { Client, ResourceClient } from '../src/client/client.ts';
import type { ChangeHandler, Informer, InformerFactory } from '../src/reconcile/informer.ts';

class MemoryInformer implements Informer<KubernetesObject> {
  readonly hasSynced = true;
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #handlers: ChangeHandler<KubernetesObject>[] = [];

  find(key: string) {
    return this.#objects.get(key);
  }

  list(namespace?: string) {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter(({ metadata }) => metadata.namespace === namespace);
  }

  byIndex() {
    return [];
  }

  addIndex() {}

  onChange(handler: ChangeHandler<KubernetesObject>) {
    this.#handlers.push(handler);
  }

  put(object: KubernetesObject): void {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const { added, updated } of this.#handlers) {
      if (previous) updated?.(object, previous);
      else added?.(object);
    }
  }

  remove(key: string): void {
    const object = this.#objects.get(key);
    if (!object || !this.#objects.delete(key)) return;
    for (const { deleted } of this.#handlers) deleted?.(object);
  }
}

export class MemoryWorld {
  readonly #informers = new Map<string, MemoryInformer>();
  bound = 0;
  evicted = 0;
  /** Called when this many are bound. */
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;

  readonly informers: InformerFactory = {
    informer: <T extends KubernetesObject>(kind: KindRef<T>) => this.#informer(kind) as unknown as Informer<T>,
    run: async () => {},
    waitForSync: async () => {},
  };

  readonly client = {
    resource: () => ({
      post: async (key: { namespace: string; name: string }, _subresource: string, body: object) =>
        this.#bind(`${key.namespace}/${key.name}`, (body as { target: { name: string } }).target.name),
      patch: async (key: { namespace: string; name: string }, patch: { status?: Pod['status'] }) =>
        this.#patch(`${key.namespace}/${key.name}`, patch.status),
      delete: async (key: { namespace: string; name: string }) => {
        this.evicted++;
        this.#informer(podKind).remove(`${key.namespace}/${key.name}`);
      },
    }),
    getJson: async () => ({}),
  } as unknown as Client & { resource(): ResourceClient<never> };

  putNode(node: Node): void {
    this.#informer(nodeKind).put(node);
  }

  putPod(pod: Pod): void {
    this.#informer(podKind).put(pod);
  }

  removePod(key: string): void {
    this.#informer(podKind).remove(key);
  }

  untilBound(count: number): Promise<void> {
    if (this.bound >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = { count, resolve };
    });
  }

  #bind(key: string, nodeName: string): void {
    const pod = this.#informer(podKind).find(key) as Pod | undefined;
    if (!pod) return;
    this.putPod({ ...pod, spec: { ...pod.spec, nodeName } });
    this.bound++;
    if (this.#waiting && this.bound >= this.#waiting.count) this.#waiting.resolve();
  }

  #patch(key: string, status: Pod['status']): void {
    const pod = this.#informer(podKind).find(key) as Pod | undefined;
    if (pod) this.putPod({ ...pod, status: { ...pod.status, ...status } });
  }

  #informer<T>(kind: KindRef<T>): MemoryInformer {
    const name = `${kind.group}/${kind.kind}`;
    let informer = this.#informers.get(name);
    if (!informer) {
      informer = new MemoryInformer();
      this.#informers.set(name, informer);
    }
    return informer;
  }
}
