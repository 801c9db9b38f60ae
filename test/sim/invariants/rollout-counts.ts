// No surge beyond what a Deployment allows: when one of its sets grows, all together ask for at most replicas + maxSurge.

import type { StoredObject } from '../ledger.ts';
import { History, Occurrences } from './history.ts';
import { type Invariant, isGoing, ownerOf } from './invariant.ts';

function ceiling(deployment: StoredObject): number {
  const { replicas = 1, strategy = {} } = deployment['spec'];
  const surge = strategy.type === 'Recreate' ? 0 : (strategy.rollingUpdate?.maxSurge ?? 0);
  if (typeof surge === 'number') return replicas + surge;
  return replicas + Math.ceil((replicas * Number.parseInt(surge, 10)) / 100);
}

export const rolloutCounts: Invariant = ({ ledger, nowMs, unseenSinceMs, lostFor, fail }) => {
  const allowed = new History();
  const adopted = new Occurrences();
  return ({ resource, key, before, after }) => {
    if (resource === 'deployments' && after) allowed.note(after.metadata.uid!, nowMs(), ceiling(after));
    if (resource !== 'replicasets' || !after) return;
    const owner = ownerOf(after);
    if (owner?.kind !== 'Deployment') return;
    if (before && ownerOf(before)?.uid !== owner.uid) adopted.note(owner.uid, nowMs());
    if ((after['spec'].replicas ?? 1) <= (before?.['spec'].replicas ?? 0)) return;
    const sinceMs = unseenSinceMs('replicasets', 'deployments');
    if (adopted.countSince(owner.uid, sinceMs) > 0 || lostFor(owner.uid) > 0) return;
    const limit = allowed.maxSince(owner.uid, sinceMs);
    const total = ledger
      .list('replicasets', after.metadata.namespace)
      .filter((set) => ownerOf(set)?.uid === owner.uid && !isGoing(set))
      .reduce((sum, set) => sum + (set['spec'].replicas ?? 1), 0);
    if (total > limit) fail(`Deployment ${owner.name} has ${total} replicas of at most ${limit} with ${key}`);
  };
};
