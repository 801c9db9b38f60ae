// As much of an API server as a node agent sees, in memory: for tests that are about nodes.
import { randomUUID } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import type { Pod } from '../../../generated/core-v1.ts';
import { podKind } from '../../../generated/kinds.ts';
import { alreadyExists, notFound } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';

export interface FakeCluster {
  readonly client: Client;
  objects(plural: string): any[];
  /** The first pod of this name that satisfies, now or later. */
  untilPod(name: string, isRight: (pod: Pod) => boolean): Promise<Pod>;
  /** Settles when the pod's object is gone. */
  untilGone(name: string): Promise<void>;
}

const keyOf = ({ namespace = '', name }: { namespace?: string; name: string }): string => `${namespace}/${name}`;

export function createFakeCluster(): FakeCluster {
  const stores = new Map<string, Map<string, any>>();
  const changes = new EventEmitter();
  changes.setMaxListeners(0);
  let revision = 1;
  const storeOf = (plural: string): Map<string, any> => {
    const store = stores.get(plural) ?? new Map<string, any>();
    stores.set(plural, store);
    return store;
  };

  const resource = (kind: { group: string; plural: string }): any => {
    const { plural } = kind;
    const store = storeOf(plural);
    const put = (type: string, object: any): any => {
      const next = { ...object, metadata: { ...object.metadata, resourceVersion: String(++revision) } };
      if (type === 'DELETED') store.delete(keyOf(next.metadata));
      else store.set(keyOf(next.metadata), next);
      changes.emit(plural, { type, object: next });
      return next;
    };
    const need = (key: any): any => {
      const found = store.get(keyOf(key));
      if (!found) throw notFound({ group: kind.group, name: plural }, key.name);
      return found;
    };
    return {
      get: async (key: any) => need(key),
      find: async (key: any) => store.get(keyOf(key)),
      list: async (options: any = {}) => ({
        metadata: { resourceVersion: String(revision) },
        items: [...store.values()].filter((object) => isSelected(object, options)),
      }),
      async *watch(options: any) {
        const signal: AbortSignal = options.signal ?? new AbortController().signal;
        // Whoever listed before sees all that came between in the list; nothing is lost, as both happen in one turn.
        if (options.sendInitialEvents) {
          for (const object of store.values()) if (isSelected(object, options)) yield { type: 'ADDED', object };
          const annotations = { 'k8s.io/initial-events-end': 'true' };
          yield { type: 'BOOKMARK', object: { metadata: { resourceVersion: String(revision), annotations } } };
        }
        try {
          for await (const [event] of on(changes, plural, { signal }))
            if (isSelected(event.object, options)) yield event;
        } catch (error) {
          if (!signal.aborted) throw error;
        }
      },
      async create(object: any) {
        if (store.has(keyOf(object.metadata)))
          throw alreadyExists({ group: kind.group, name: plural }, object.metadata.name);
        const metadata = {
          uid: randomUUID(),
          generation: 1,
          creationTimestamp: new Date().toISOString(),
          ...object.metadata,
        };
        return put('ADDED', { ...object, metadata });
      },
      update: async (object: any) => put('MODIFIED', { ...need(object.metadata), ...object }),
      patch: async (key: any, patch: any) => put('MODIFIED', merge(need(key), patch)),
      async delete(key: any, options: any = {}) {
        const found = need(key);
        if (plural !== 'pods' || options.gracePeriodSeconds === 0) return void put('DELETED', found);
        const seconds = options.gracePeriodSeconds ?? found.spec.terminationGracePeriodSeconds ?? 30;
        const metadata = {
          ...found.metadata,
          deletionTimestamp: new Date().toISOString(),
          deletionGracePeriodSeconds: seconds,
        };
        put('MODIFIED', { ...found, metadata });
      },
      deleteCollection: async () => undefined,
      post: async (key: any, _: string, body: any) => ({
        ...body,
        status: { token: `token-of-${key.name}`, expirationTimestamp: new Date(Date.now() + 3_600_000).toISOString() },
      }),
    };
  };

  const until = (isRight: (event: { type: string; object: any }) => boolean): Promise<any> =>
    new Promise((resolve) => {
      const look = (event: { type: string; object: any }): void => {
        if (!isRight(event)) return;
        changes.off(podKind.plural, look);
        resolve(event.object);
      };
      changes.on(podKind.plural, look);
    });
  return {
    client: { resource, getJson: async () => ({}), deletePath: async () => {} } as unknown as Client,
    objects: (plural) => [...storeOf(plural).values()],
    async untilPod(name, isRight) {
      const now = [...storeOf('pods').values()].find((pod) => pod.metadata.name === name && isRight(pod));
      return now ?? until(({ type, object }) => type !== 'DELETED' && object.metadata.name === name && isRight(object));
    },
    async untilGone(name) {
      if (![...storeOf('pods').values()].some((pod) => pod.metadata.name === name)) return;
      await until(({ type, object }) => type === 'DELETED' && object.metadata.name === name);
    },
  };
}

function isSelected(
  object: any,
  { namespace, fieldSelector }: { namespace?: string; fieldSelector?: string },
): boolean {
  if (namespace && object.metadata.namespace !== namespace) return false;
  return (fieldSelector?.split(',') ?? []).every((term) => {
    const [path = '', value] = term.split('=');
    return path.split('.').reduce((at, part) => at?.[part], object) === value;
  });
}

/** Merge as the strategic patch of a status does: conditions by type, other lists whole. */
function merge(old: any, patch: any): any {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const result = { ...(typeof old === 'object' && !Array.isArray(old) ? old : {}) };
  for (const [key, value] of Object.entries(patch) as [string, any][]) {
    if (value === null) delete result[key];
    else if (key === 'conditions') {
      const byType = new Map((result[key] ?? []).map((each: any) => [each.type, each]));
      for (const each of value) byType.set(each.type, merge(byType.get(each.type) ?? {}, each));
      result[key] = [...byType.values()];
    } else if (Array.isArray(value)) result[key] = value.filter((each) => !each?.$patch);
    else result[key] = merge(result[key], value);
  }
  return result;
}
