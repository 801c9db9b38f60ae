import type { Job } from '../../generated/batch-v1.ts';
import { jobKind } from '../../generated/kinds.ts';
import { isConditionTrue } from '../api/meta/conditions.ts';
import { keyOf } from '../api/meta/object.ts';
import { isNotFound } from '../api/meta/status-error.ts';
import { timeMs } from '../api/meta/time.ts';
import type { ControllerDefinition } from '../reconcile/controller.ts';

/** Deletes finished Jobs, with their pods, once they have been kept for as long as they ask. */
export const ttlAfterFinishedController: ControllerDefinition = {
  name: 'ttl-after-finished',
  setup({ client, informers, clock }, queue) {
    const jobs = informers.informer(jobKind);
    const add = (job: Job) => {
      if (expiryMs(job) !== undefined && !job.metadata.deletionTimestamp) queue.add(keyOf(job));
    };
    jobs.onChange({ added: add, updated: add });
    return {
      name: 'ttl-after-finished',
      async reconcile(key) {
        const cached = jobs.find(key);
        const atMs = cached && expiryMs(cached);
        if (!cached || atMs === undefined) return;
        if (atMs > clock.now()) return queue.addAfter(key, atMs - clock.now() + 10);
        const { namespace = '', name, uid = '' } = cached.metadata;
        // The time to live may have been raised meanwhile: the server knows.
        const job = await client.resource(jobKind).find({ namespace, name });
        if (!job || (expiryMs(job) ?? Number.POSITIVE_INFINITY) > clock.now()) return;
        try {
          const options = { propagationPolicy: 'Foreground', preconditions: { uid } };
          await client.resource(jobKind).delete({ namespace, name }, options);
        } catch (error) {
          if (!isNotFound(error)) throw error;
        }
      },
    };
  },
};

/** When the Job's time is over; undefined while it runs or when it is to be kept. */
function expiryMs({ spec, status }: Job): number | undefined {
  const seconds = spec.ttlSecondsAfterFinished;
  const finished = status?.conditions?.find(({ type }) => type === 'Complete' || type === 'Failed');
  if (seconds === undefined || !finished || !isConditionTrue(status?.conditions, finished.type)) return undefined;
  const atMs = timeMs(finished.lastTransitionTime);
  return atMs === undefined ? undefined : atMs + seconds * 1000;
}
