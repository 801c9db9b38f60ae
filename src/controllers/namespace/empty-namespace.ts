import type { ObjectMeta } from '../../../generated/meta-v1.ts';
import { isNotFound, StatusError } from '../../api/meta/status-error.ts';
import type { Client } from '../../client/client.ts';
import type { DiscoveredResource } from '../shared/discover.ts';

/** What an attempt to empty a namespace left. */
export interface NamespaceContent {
  /** Objects left, by `resource.group`. */
  readonly remaining: ReadonlyMap<string, number>;
  /** Objects that each finalizer still holds. */
  readonly finalizers: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
  /** Pods are left, so nothing else was looked at. */
  readonly isWaitingForPods: boolean;
}

const parallel = 4;

/** Deletes all there is in the namespace: pods first and, once they are gone, the rest, which they may need to end well. */
export async function emptyNamespace(
  client: Client,
  namespace: string,
  resources: readonly DiscoveredResource[],
  signal: AbortSignal,
): Promise<NamespaceContent> {
  const remaining = new Map<string, number>();
  const finalizers = new Map<string, number>();
  const failures: string[] = [];
  const empty = async (resource: DiscoveredResource) => {
    try {
      const left = await emptyResource(client, namespace, resource, signal);
      if (left.length > 0) remaining.set(`${resource.plural}.${resource.group}`, left.length);
      for (const name of left.flatMap((metadata) => metadata.finalizers ?? [])) {
        finalizers.set(name, (finalizers.get(name) ?? 0) + 1);
      }
    } catch (error) {
      // A resource that went away, or that cannot be deleted at all, holds nothing up.
      if (isNotFound(error) || (error instanceof StatusError && error.code === 405)) return;
      failures.push(error instanceof Error ? error.message : String(error));
    }
  };
  const deletable = resources.filter(
    ({ namespaced, verbs }) => namespaced && verbs.includes('delete') && verbs.includes('list'),
  );
  const isPods = ({ group, plural }: DiscoveredResource) => group === '' && plural === 'pods';
  await Promise.all(deletable.filter(isPods).map(empty));
  if (remaining.size > 0) return { remaining: new Map(), finalizers: new Map(), failures, isWaitingForPods: true };
  await inParallel(
    deletable.filter((resource) => !isPods(resource)),
    empty,
  );
  return { remaining, finalizers, failures, isWaitingForPods: false };
}

async function inParallel<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const work = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await action(item);
  };
  await Promise.all(Array.from({ length: parallel }, work));
}

/** The metadata of what is left after the deletion. */
async function emptyResource(
  client: Client,
  namespace: string,
  resource: DiscoveredResource,
  signal: AbortSignal,
): Promise<ObjectMeta[]> {
  const collection = client.resource({ ...resource, metadataOnly: true });
  const list = async () => (await collection.list({ namespace, signal })).items.map(({ metadata }) => metadata);
  const found = await list();
  const toDelete = found.filter((metadata) => !metadata.deletionTimestamp);
  if (toDelete.length === 0) return found;
  if (resource.verbs.includes('deletecollection')) {
    await collection.deleteCollection({ namespace, signal, delete: { propagationPolicy: 'Background' } });
  } else {
    for (const { name } of toDelete) {
      await collection
        .delete({ namespace, name }, { propagationPolicy: 'Background', signal })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
    }
  }
  return list();
}
