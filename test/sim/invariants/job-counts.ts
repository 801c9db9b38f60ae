// A Job runs no more pods at once than it may, none twice for one index, and counts each pod once.

import type { StoredObject } from '../ledger.ts';
import { History, Occurrences } from './history.ts';
import { type Invariant, isActivePod, ownerOf } from './invariant.ts';

const indexOf = (pod: StoredObject): string | undefined =>
  pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'];

export const jobCounts: Invariant = ({ ledger, nowMs, unseenSinceMs, lostFor, fail }) => {
  const parallel = new History();
  const adopted = new Occurrences();
  /** By the Job's uid: uids of its pods that were seen to end well, and of all. */
  const seen = new Map<string, { succeeded: Set<string>; all: Set<string> }>();
  const podsOf = (uid: string) => {
    const known = seen.get(uid) ?? { succeeded: new Set<string>(), all: new Set<string>() };
    seen.set(uid, known);
    return known;
  };

  const checkStatus = (key: string, before: StoredObject | undefined, after: StoredObject) => {
    const { succeeded, all } = podsOf(after.metadata.uid!);
    const count = (name: string, job: StoredObject | undefined) => job?.['status']?.[name] ?? 0;
    const same = before?.metadata.uid === after.metadata.uid ? before : undefined;
    const isElastic =
      after['spec'].completionMode === 'Indexed' && same?.['spec'].completions !== after['spec'].completions;
    if (!isElastic && count('succeeded', after) < count('succeeded', same))
      fail(`Job ${key} has ${count('succeeded', after)} successes after ${count('succeeded', same)}`);
    if (count('failed', after) < count('failed', same))
      fail(`Job ${key} has ${count('failed', after)} failures after ${count('failed', same)}`);
    if (count('succeeded', after) > succeeded.size)
      fail(`Job ${key} counts ${count('succeeded', after)} successes of ${succeeded.size} pods`);
    if (count('succeeded', after) + count('failed', after) > all.size)
      fail(`Job ${key} counts ${count('succeeded', after) + count('failed', after)} ends of ${all.size} pods`);
  };

  const checkNew = (key: string, pod: StoredObject, owner: { uid: string; name: string }) => {
    const sinceMs = unseenSinceMs('pods', 'jobs');
    const excused = adopted.countSince(owner.uid, sinceMs) + lostFor(owner.uid);
    const limit = parallel.maxSince(owner.uid, sinceMs) + excused;
    const active = ledger
      .list('pods', pod.metadata.namespace)
      .filter((each) => ownerOf(each)?.uid === owner.uid && isActivePod(each));
    if (active.length > limit) fail(`Job ${owner.name} has ${active.length} pods of ${limit} with ${key}`);
    const index = indexOf(pod);
    if (index === undefined || excused > 0) return;
    const twins = active.filter((each) => indexOf(each) === index).length;
    if (twins > 1) fail(`Job ${owner.name} has ${twins} pods of index ${index} with ${key}`);
  };

  return ({ resource, key, before, after }) => {
    if (resource === 'jobs' && after) {
      parallel.note(after.metadata.uid!, nowMs(), after['spec'].parallelism ?? 1);
      checkStatus(key, before, after);
    }
    const owner = ownerOf(after);
    if (resource !== 'pods' || !after || owner?.kind !== 'Job') return;
    const pods = podsOf(owner.uid);
    pods.all.add(after.metadata.uid!);
    if (after['status']?.phase === 'Succeeded') pods.succeeded.add(after.metadata.uid!);
    if (before && ownerOf(before)?.uid !== owner.uid) adopted.note(owner.uid, nowMs());
    if (!before) checkNew(key, after, owner);
  };
};
