// No pod too many: when a pod is made for a ReplicaSet or ReplicationController, those that are active are at most as many
// as were asked for.

import { History, Occurrences } from './history.ts';
import { type Invariant, isActivePod, ownerOf } from './invariant.ts';

const counted: Record<string, string> = { ReplicaSet: 'replicasets', ReplicationController: 'replicationcontrollers' };

export const replicaCounts: Invariant = ({ ledger, nowMs, unseenSinceMs, lostFor, fail }) => {
  const wanted = new History();
  const adopted = new Occurrences();
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
    const sinceMs = unseenSinceMs('pods', plural);
    const limit = wanted.maxSince(owner.uid, sinceMs);
    const active = ledger
      .list('pods', after.metadata.namespace)
      .filter((pod) => ownerOf(pod)?.uid === owner.uid && isActivePod(pod)).length;
    const excused = adopted.countSince(owner.uid, sinceMs) + lostFor(owner.uid);
    if (active > limit + excused) fail(`${owner.kind} ${owner.name} has ${active} pods of ${limit} with ${key}`);
  };
};
