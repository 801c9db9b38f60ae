import type { Pod } from '../../generated/core-v1.ts';
import { jobKind, podKind } from '../../generated/kinds.ts';
import { keyOf } from '../api/meta/object.ts';
import { controllerOf } from '../api/meta/owner-references.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { claim } from '../reconcile/controller-refs.ts';
import { Expectations } from '../reconcile/expectations.ts';
import { isJobFinished, isTracked, trackingFinalizer } from './job/count-pods.ts';
import { releasePod, syncJob } from './job/sync-job.ts';
import { candidatesFor, controlledBy, indexByController } from './shared/indexes.ts';
import { deletePod } from './shared/pod-control.ts';
import { isActive } from './shared/pod-state.ts';
import { cachedSelector } from './shared/selector.ts';
import { watchOwnedPods } from './shared/watch-owned-pods.ts';

const ourName = 'kubernetes.io/job-controller';
/** What happens to its pods within so long leads to one look at a Job, and to one status. */
const batchMs = 1000;
/** Keys of pods whose Job is gone: their finalizer has nobody left to wait for. */
const orphanKey = (pod: Pod) => `orphan:${keyOf(pod)}`;

/** Runs pods until enough of them have succeeded. */
export const jobController: ControllerDefinition = {
  name: 'job',
  retry: { baseDelayMs: 1_000, maxDelayMs: 60_000 },
  setup({ client, informers, clock, recorder }, queue) {
    const jobs = informers.informer(jobKind);
    const pods = informers.informer(podKind);
    const expectations = new Expectations(clock, queue);
    const events = recorder('job-controller');
    const released = new Set<string>();
    /** The last status written, by the Job's key: pods counted there must not be counted again from an older one. */
    const wrote = new Map<string, string>();
    indexByController(pods);
    const lookAtOrphans = (uid: string | undefined) => {
      for (const pod of controlledBy(pods, uid)) if (isTracked(pod)) queue.add(orphanKey(pod));
    };
    jobs.onChange({
      added: (job) => queue.add(keyOf(job)),
      updated: (job, previous) =>
        queue.addAfter(keyOf(job), job.metadata.generation === previous.metadata.generation ? batchMs : 0),
      deleted: (job) => {
        expectations.forget(keyOf(job));
        wrote.delete(keyOf(job));
        lookAtOrphans(job.metadata.uid);
      },
    });
    const jobOf = (pod: Pod) => {
      const reference = controllerOf(pod);
      const job =
        reference?.kind === jobKind.kind ? jobs.find(`${pod.metadata.namespace}/${reference.name}`) : undefined;
      return job?.metadata.uid === reference?.uid ? job : undefined;
    };
    const lookIfOrphan = (pod: Pod) => {
      if (!isTracked(pod)) released.delete(pod.metadata.uid ?? '');
      // The Job may just not have been seen yet.
      else if (!jobOf(pod)) queue.addAfter(orphanKey(pod), 500);
    };
    pods.onChange({
      added: lookIfOrphan,
      updated: lookIfOrphan,
      deleted: (pod) => {
        released.delete(pod.metadata.uid ?? '');
      },
    });
    const selectorOf = (job: Parameters<typeof keyOf>[0] & { spec: { selector?: any } }) =>
      cachedSelector(job.spec.selector);
    watchOwnedPods({ kind: jobKind, owners: jobs, pods, queue, expectations, batchMs, selectorOf });

    return {
      name: 'job',
      async reconcile(key, signal) {
        if (key.startsWith('orphan:')) return releaseOrphan(key.slice('orphan:'.length));
        const job = jobs.find(key);
        if (!job || (job.spec.managedBy && job.spec.managedBy !== ourName)) return;
        const selector = cachedSelector(job.spec.selector);
        if (!selector || isOlder(job.metadata.resourceVersion, wrote.get(key))) return;
        // Asked before the cache is read: what comes in meanwhile is not in what we are about to look at.
        const isSettled = expectations.areMet(key);
        const candidates = candidatesFor(pods, job);
        const claimed = await claim({
          client,
          ownerKind: jobKind,
          owner: job,
          kind: podKind,
          selector,
          candidates,
          adoptWith: { finalizers: [trackingFinalizer] },
          signal,
        });
        // As they are now: what was counted and let go meanwhile must not be counted again.
        const mine = claimed.flatMap((pod) => {
          const now = pods.find(keyOf(pod));
          return now?.metadata.uid === pod.metadata.uid ? [now!] : [];
        });
        if (isJobFinished(job)) {
          await Promise.all(mine.filter(isTracked).map((pod) => releasePod(client, pod)));
          // Made, and not seen yet, when the Job ended: nobody else would stop them.
          const asker = { kind: jobKind, owner: job, client, recorder: events };
          const late = controlledBy(pods, job.metadata.uid).filter(isActive);
          await Promise.all(late.map((pod) => deletePod(asker, pod)));
          return;
        }
        const options = {
          client,
          recorder: events,
          expectations,
          isSettled,
          released,
          wrote: (version: string) => wrote.set(key, version),
          nowMs: clock.now(),
        };
        const recheckMs = await syncJob(job, mine, options);
        if (recheckMs !== undefined) queue.addAfter(key, Math.max(recheckMs, batchMs) + 50);
      },
    };

    async function releaseOrphan(key: string): Promise<void> {
      const pod = pods.find(key);
      if (!pod || !isTracked(pod) || jobOf(pod)) return;
      const reference = controllerOf(pod);
      if (reference?.kind === jobKind.kind) {
        const { namespace = '' } = pod.metadata;
        const job = await client.resource(jobKind).find({ namespace, name: reference.name });
        if (job?.metadata.uid === reference.uid) return;
      }
      await releasePod(client, pod);
    }
  },
};

/** The cache has not yet shown what we wrote; its event will come. */
function isOlder(cached: string | undefined, written: string | undefined): boolean {
  return written !== undefined && cached !== undefined && BigInt(cached) < BigInt(written);
}
