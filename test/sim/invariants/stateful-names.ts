// A StatefulSet makes only the pods of its ordinals.

import type { StoredObject } from '../ledger.ts';
import { History } from './history.ts';
import { type Invariant, ownerOf } from './invariant.ts';

const endOf = (set: StoredObject): number => (set['spec'].ordinals?.start ?? 0) + (set['spec'].replicas ?? 1);

export const statefulNames: Invariant = ({ nowMs, unseenSinceMs, fail }) => {
  const ends = new History();
  return ({ resource, key, before, after }) => {
    if (resource === 'statefulsets' && after) ends.note(after.metadata.uid!, nowMs(), endOf(after));
    if (resource !== 'pods' || !after || before) return;
    const owner = ownerOf(after);
    if (owner?.kind !== 'StatefulSet') return;
    const ordinal = Number(after.metadata.name.slice(owner.name.length + 1));
    const end = ends.maxSince(owner.uid, unseenSinceMs('statefulsets'));
    if (!(ordinal < end)) fail(`StatefulSet ${owner.name} makes ${key} beyond its ${end} ordinals`);
  };
};
