// No pod too many: when a pod is made for a ReplicaSet or ReplicationController, those that are active are at most as many
// as were asked for.

import { History, Occurrences } from './history.ts';
import { type Invariant, isActivePod, ownerOf } from './invariant.ts';

/** A pod that no cache has shown is expected for five minutes; to ask for it may have taken the first of them. */
const expectedMs = 4 * 60_000;

const counted: Record<string, string> = { ReplicaSet: 'replicasets', ReplicationController: 'replicationcontrollers' };

export const replicaCounts: Invariant = ({ ledger, nowMs, unseenSinceMs, lostFor, fail }) => {
  const wanted = new History();
  const adopted = new Occurrences();
  /** When, by the pod's uid. */
  const made = new Map<string, number>();
  return ({ resource, key, before, after }) => {
    if (Object.values(counted).includes(resource) && after) {
      wanted.note(after.metadata.uid!, nowMs(), after['spec']?.replicas ?? 1);
      return;
    }
    if (resource !== 'pods' || !after) return;
    const owner = ownerOf(after);
    const plural = counted[owner?.kind ?? ''];
    if (!owner || !plural) return;
    if (before) {
      if (ownerOf(before)?.uid !== owner.uid) adopted.note(owner.uid, nowMs());
      return;
    }
    made.set(after.metadata.uid!, nowMs());
    const sinceMs = unseenSinceMs('pods', plural);
    const limit = wanted.maxSince(owner.uid, sinceMs);
    const active = ledger
      .list('pods', after.metadata.namespace)
      .filter((pod) => ownerOf(pod)?.uid === owner.uid && isActivePod(pod));
    const unseenMs = unseenSinceMs('pods');
    const forgotten = active
      .map(({ metadata }) => made.get(metadata.uid!) ?? 0)
      .filter((atMs) => atMs >= unseenMs && atMs <= nowMs() - expectedMs).length;
    const excused = adopted.countSince(owner.uid, sinceMs) + lostFor(owner.uid) + forgotten;
    if (active.length > limit + excused)
      fail(`${owner.kind} ${owner.name} has ${active.length} pods of ${limit} with ${key}`);
  };
};
