// Events of pods become keys of the objects that manage them, or would like to.
import type { Pod } from '../../../generated/core-v1.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { matchesSelector, type Selector } from '../../api/meta/labels.ts';
import { type KindRef, type KubernetesObject, keyOf } from '../../api/meta/object.ts';
import { controllerOf } from '../../api/meta/owner-references.ts';
import type { KeyQueue } from '../../reconcile/controller.ts';
import type { Expectations } from '../../reconcile/expectations.ts';
import type { Informer } from '../../reconcile/informer.ts';

export interface WatchOwnedPodsOptions<O extends KubernetesObject> {
  readonly kind: KindRef<O>;
  readonly owners: Informer<O>;
  readonly pods: Informer<Pod>;
  readonly queue: KeyQueue;
  readonly expectations?: Expectations;
  /** So long events of one owner's pods are gathered before it is looked at. */
  readonly batchMs?: number;
  /** Absent: owners take no orphans. */
  readonly selectorOf?: (owner: O) => Selector | undefined;
}

/** Wires a pod informer to a queue of owners' keys. */
export function watchOwnedPods<O extends KubernetesObject>(options: WatchOwnedPodsOptions<O>): void {
  const { pods, expectations } = options;
  const add = (key: string) => addKey(options, key);
  const ownerKeyOf = (pod: Pod) => findOwnerKey(options, pod);

  const added = (pod: Pod) => {
    if (pod.metadata.deletionTimestamp) return deleted(pod);
    const key = ownerKeyOf(pod);
    if (key) {
      expectations?.creationSeen(key);
      add(key);
    } else if (!controllerOf(pod)) addInterested(options, pod);
  };
  const deleted = (pod: Pod) => {
    const key = ownerKeyOf(pod);
    if (!key) return;
    expectations?.deletionSeen(key, keyOf(pod));
    add(key);
  };
  const updated = (next: Pod, previous: Pod) => {
    if (next.metadata.deletionTimestamp && !previous.metadata.deletionTimestamp) deleted(next);
    const key = ownerKeyOf(next);
    const oldKey = ownerKeyOf(previous);
    if (oldKey && oldKey !== key) {
      // Released: nobody will tell this owner of its end.
      expectations?.deletionSeen(oldKey, keyOf(next));
      add(oldKey);
    }
    if (key) add(key);
    else if (!controllerOf(next) && (oldKey || !isEqual(next.metadata.labels, previous.metadata.labels))) {
      addInterested(options, next);
    }
  };
  pods.onChange({ added, updated, deleted });
}

/** The key of the owner that the pod's controller reference names, if that very object is known. */
function findOwnerKey<O extends KubernetesObject>(
  { kind, owners }: WatchOwnedPodsOptions<O>,
  pod: Pod,
): string | undefined {
  const reference = controllerOf(pod);
  if (reference?.kind !== kind.kind) return undefined;
  const key = `${pod.metadata.namespace}/${reference.name}`;
  return owners.find(key)?.metadata.uid === reference.uid ? key : undefined;
}

function addInterested<O extends KubernetesObject>(options: WatchOwnedPodsOptions<O>, orphan: Pod): void {
  const { owners, selectorOf } = options;
  if (!selectorOf || orphan.metadata.deletionTimestamp) return;
  for (const owner of owners.list(orphan.metadata.namespace)) {
    const selector = selectorOf(owner);
    if (selector && matchesSelector(selector, orphan.metadata.labels)) addKey(options, keyOf(owner));
  }
}

function addKey<O extends KubernetesObject>({ queue, batchMs = 0 }: WatchOwnedPodsOptions<O>, key: string): void {
  queue.addAfter(key, batchMs);
}
