// How many pods each ReplicaSet should have. Pure: from the sets as they are to the steps to take.
import type { Deployment, ReplicaSet } from '../../../generated/apps-v1.ts';
import { annotatedNumber, maxReplicasAnnotation } from './annotations.ts';
import { isRollingUpdate, maxSurgeOf, maxUnavailableOf } from './fenceposts.ts';
import {
  active,
  all,
  available,
  byCreation,
  bySizeNewer,
  bySizeOlder,
  findActiveOrLatest,
  isSaturated,
  type ReplicaSets,
  sum,
  wanted,
} from './replica-sets.ts';

/** One set gets another number of pods. A set may have two steps, in order. */
export interface ScaleStep {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

const replicasOf = (deployment: Deployment) => deployment.spec.replicas ?? 1;

/** How large the newest set may be now, given what the others still hold. */
export function newestSetSize(deployment: Deployment, sets: readonly ReplicaSet[], current: number): number {
  const desired = replicasOf(deployment);
  if (!isRollingUpdate(deployment)) return desired;
  const room = desired + maxSurgeOf(deployment) - sum(sets, wanted);
  return room <= 0 ? current : current + Math.min(room, desired - current);
}

/** The next growth (or cut) of the newest set. */
export function planNewest(deployment: Deployment, sets: ReplicaSets): ScaleStep[] {
  const { newest } = sets;
  if (!newest || wanted(newest) === replicasOf(deployment)) return [];
  if (wanted(newest) > replicasOf(deployment)) return [{ set: newest, replicas: replicasOf(deployment) }];
  const replicas = newestSetSize(deployment, all(sets), wanted(newest));
  return replicas === wanted(newest) ? [] : [{ set: newest, replicas }];
}

/** A status older than the last cut may count pods that are going already. */
const working = (set: ReplicaSet) => Math.min(available(set), wanted(set));

/** How far the old sets can shrink: pods that do not work first, then as many as the promise of availability allows. */
export function planOld(deployment: Deployment, sets: ReplicaSets): ScaleStep[] {
  const old = active(sets.old).sort(byCreation);
  if (old.length === 0 || !sets.newest) return [];
  const minAvailable = replicasOf(deployment) - maxUnavailableOf(deployment);
  const newestMissing = wanted(sets.newest) - working(sets.newest);
  const steps: ScaleStep[] = [];
  const sizes = new Map(old.map((set) => [set, wanted(set)]));
  const cut = (set: ReplicaSet, count: number) => {
    if (count <= 0) return 0;
    const replicas = sizes.get(set)! - count;
    sizes.set(set, replicas);
    steps.push({ set, replicas });
    return count;
  };
  let toClean = sum(all(sets), wanted) - minAvailable - newestMissing;
  if (toClean <= 0) return [];
  for (const set of old) toClean -= cut(set, Math.min(toClean, wanted(set) - working(set)));
  let toShrink = sum(all(sets), working) - minAvailable;
  for (const set of old) toShrink -= cut(set, Math.min(toShrink, sizes.get(set)!));
  return steps;
}

/** The Deployment's number changed, or it is paused: share the change among the sets that run. */
export function planProportional(deployment: Deployment, sets: ReplicaSets): ScaleStep[] {
  const desired = replicasOf(deployment);
  const only = findActiveOrLatest(sets);
  if (only) return wanted(only) === desired ? [] : [{ set: only, replicas: desired }];
  if (isSaturated(deployment, sets.newest)) return active(sets.old).map((set) => ({ set, replicas: 0 }));
  if (!isRollingUpdate(deployment)) return [];
  const running = active(all(sets));
  const allowed = desired > 0 ? desired + maxSurgeOf(deployment) : 0;
  const toAdd = allowed - sum(running, wanted);
  return share(deployment, running.sort(toAdd > 0 ? bySizeNewer : bySizeOlder), toAdd);
}

/** Steps for all sets, also those that keep their size: their annotations tell what they were scaled for. */
function share(deployment: Deployment, sets: readonly ReplicaSet[], toAdd: number): ScaleStep[] {
  let added = 0;
  const sizes = sets.map((set) => {
    const proportion = toAdd === 0 ? 0 : proportionOf(deployment, set, toAdd, added);
    added += proportion;
    return wanted(set) + proportion;
  });
  // What rounding left over goes to the largest.
  if (toAdd !== 0 && sizes.length > 0) sizes[0] = Math.max(0, sizes[0]! + toAdd - added);
  return sets.map((set, index) => ({ set, replicas: sizes[index]! }));
}

function proportionOf(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  if (wanted(set) === 0 || toAdd === added) return 0;
  const fraction = fractionOf(deployment, set);
  const left = toAdd - added;
  return toAdd > 0 ? Math.min(fraction, left) : Math.max(fraction, left);
}

/** By how much the set would grow if all grew alike. */
function fractionOf(deployment: Deployment, set: ReplicaSet): number {
  const desired = replicasOf(deployment);
  if (desired === 0) return -wanted(set);
  const before = annotatedNumber(set, maxReplicasAnnotation) || (deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  const scaled = (wanted(set) * (desired + maxSurgeOf(deployment))) / before;
  return Math.round(scaled) - wanted(set);
}
