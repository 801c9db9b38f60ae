// Nothing is made beyond what a quota gives.

import type { StoredObject } from '../ledger.ts';
import { type Invariant, isOver } from './invariant.ts';
import { cpuOf, milli } from './node-capacity.ts';

/** What the objects of a namespace use of what quotas of the simulation name. */
export function usage(list: (resource: string) => readonly StoredObject[]): Record<string, number> {
  const pods = list('pods').filter((pod) => !isOver(pod));
  return {
    pods: pods.length,
    'requests.cpu': pods.reduce((sum, pod) => sum + cpuOf(pod), 0),
    'count/jobs.batch': list('jobs').length,
  };
}

export const limitOf = (name: string, hard: string): number => (name === 'requests.cpu' ? milli(hard) : Number(hard));

const relevant: Record<string, readonly string[]> = { pods: ['pods', 'requests.cpu'], jobs: ['count/jobs.batch'] };

/** Requests that were let in before a limit was in force are stored, and counted, by then. */
const settlingMs = 3000;

/** A controller that is slow may have counted before others came in, which nobody charged to a limit not yet in force. */
function saysAll({ status }: StoredObject, used: Record<string, number>): boolean {
  const names = Object.keys(status?.hard ?? {});
  return names.length > 0 && names.every((name) => limitOf(name, status.used?.[name] ?? '0') >= (used[name] ?? 0));
}

export const keptQuotas: Invariant = ({ ledger, nowMs, fail }) => {
  const inForceSinceMs = new Map<string, number>();
  return ({ resource, key, before, after }) => {
    if (resource === 'resourcequotas' && after) {
      const { uid, namespace } = after.metadata;
      const isSame = JSON.stringify(before?.['status']?.hard) === JSON.stringify(after['status']?.hard);
      if (!isSame) inForceSinceMs.delete(uid!);
      // What is being let in is charged before it is there: such a charge hides that others were never counted.
      const isCounted = saysAll(
        isSame && before ? before : after,
        usage((each) => ledger.list(each, namespace)),
      );
      if (isCounted && !inForceSinceMs.has(uid!)) inForceSinceMs.set(uid!, nowMs());
    }
    const names = relevant[resource];
    if (!names || before || !after) return;
    const { namespace } = after.metadata;
    const quotas = ledger.list('resourcequotas', namespace).filter((quota) => quota['status']?.hard);
    if (quotas.length === 0) return;
    const used = usage((each) => ledger.list(each, namespace));
    for (const quota of quotas) {
      const sinceMs = inForceSinceMs.get(quota.metadata.uid!);
      if (sinceMs === undefined || nowMs() - sinceMs < settlingMs) continue;
      for (const name of names) {
        const hard = quota['status'].hard[name];
        if (hard === undefined || used[name]! <= limitOf(name, hard)) continue;
        const said = quota['status'].used?.[name];
        fail(
          `quota ${quota.metadata.namespace}/${quota.metadata.name}: ${used[name]} of ${hard} ${name} with ${key} (it says ${said})`,
        );
      }
    }
  };
};
