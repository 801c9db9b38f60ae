// One pod of a DaemonSet a node; two while it surges.

import type { StoredObject } from '../ledger.ts';
import { History, Occurrences } from './history.ts';
import { type Invariant, isActivePod, ownerOf } from './invariant.ts';

const nodeOf = (pod: StoredObject): string | undefined =>
  pod['spec'].nodeName ??
  pod['spec'].affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.[0]
    ?.matchFields?.[0]?.values?.[0];

export const daemonCounts: Invariant = ({ ledger, nowMs, unseenSinceMs, lostFor, fail }) => {
  const surges = new History();
  const adopted = new Occurrences();
  return ({ resource, key, before, after }) => {
    if (resource === 'daemonsets' && after) {
      const surge = after['spec'].updateStrategy?.rollingUpdate?.maxSurge ?? 0;
      surges.note(after.metadata.uid!, nowMs(), surge ? 1 : 0);
    }
    if (resource !== 'pods' || !after) return;
    const owner = ownerOf(after);
    if (owner?.kind !== 'DaemonSet') return;
    if (before) {
      if (ownerOf(before)?.uid !== owner.uid) adopted.note(owner.uid, nowMs());
      return;
    }
    const sinceMs = unseenSinceMs('pods', 'daemonsets');
    const limit = 1 + surges.maxSince(owner.uid, sinceMs) + adopted.countSince(owner.uid, sinceMs) + lostFor(owner.uid);
    const here = ledger
      .list('pods', after.metadata.namespace)
      .filter((pod) => ownerOf(pod)?.uid === owner.uid && isActivePod(pod) && nodeOf(pod) === nodeOf(after)).length;
    if (here > limit) fail(`DaemonSet ${owner.name} has ${here} pods of ${limit} on ${nodeOf(after)} with ${key}`);
  };
};
