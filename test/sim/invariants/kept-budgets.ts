// An eviction is granted only out of what a budget allows, and leaves as many healthy pods as it asks for, but for those
// that were lost otherwise before the controllers could notice.

import type { StoredObject } from '../ledger.ts';
import { Occurrences } from './history.ts';
import { type Invariant, isActivePod } from './invariant.ts';

const isReady = (pod: StoredObject): boolean =>
  pod['status']?.conditions?.some(({ type, status }: any) => type === 'Ready' && status === 'True') ?? false;
const isHealthy = (pod: StoredObject): boolean => isActivePod(pod) && isReady(pod);
const matches = (budget: StoredObject, pod: StoredObject): boolean =>
  Object.entries(budget['spec'].selector?.matchLabels ?? {}).every(
    ([key, value]) => pod.metadata.labels?.[key] === value,
  );

export const keptBudgets: Invariant = ({ ledger, nowMs, unseenSinceMs, fail }) => {
  const granted = new Set<string>();
  const losses = new Occurrences();
  return ({ resource, key, before, after }) => {
    if (
      resource === 'pods' &&
      before &&
      isHealthy(before) &&
      !(after && isHealthy(after) && sameLabels(before, after))
    ) {
      if (!granted.has(before.metadata.uid!)) losses.note(before.metadata.namespace!, nowMs());
    }
    if (resource !== 'poddisruptionbudgets' || !before || !after) return;
    const known = before['status']?.disruptedPods ?? {};
    for (const name of Object.keys(after['status']?.disruptedPods ?? {})) {
      if (name in known) continue;
      const pod = ledger.find('pods', `${after.metadata.namespace}/${name}`);
      if (pod) granted.add(pod.metadata.uid!);
      if (!((before['status']?.disruptionsAllowed ?? 0) > 0))
        fail(`budget ${key} granted ${name} without allowing any`);
      const sinceMs = unseenSinceMs('pods', 'poddisruptionbudgets', 'deployments', 'replicasets', 'statefulsets');
      const disrupted = after['status'].disruptedPods;
      const healthy = ledger
        .list('pods', after.metadata.namespace)
        .filter((each) => matches(after, each) && isHealthy(each) && !(each.metadata.name in disrupted)).length;
      const excused = losses.countSince(after.metadata.namespace!, sinceMs);
      if (healthy + excused < (before['status']?.desiredHealthy ?? 0))
        fail(`budget ${key} is left ${healthy} healthy pods of ${before['status']?.desiredHealthy} by ${name}`);
    }
  };
};

const sameLabels = (a: StoredObject, b: StoredObject) =>
  JSON.stringify(a.metadata.labels) === JSON.stringify(b.metadata.labels);
