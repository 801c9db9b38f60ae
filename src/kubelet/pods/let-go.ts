// What leads traffic to a pod lets go of it before it ends.
import type { Pod } from '../../../generated/core-v1.ts';
import { graceOf } from './grace.ts';
import type { PodServices } from './pod-services.ts';

/** How long the end of a pod waits for the services to let go of it. */
const patienceMs = 1_000;

/** Only a pod that served, and has time to end, waits. */
export async function letGo({ beforeStop, clock, log }: PodServices, pod: Pod): Promise<void> {
  const wasReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True');
  if (!beforeStop || !wasReady || graceOf(pod) === 0) return;
  const limit = Promise.withResolvers<void>();
  using _timer = clock.timer(patienceMs, () => limit.resolve());
  await Promise.race([beforeStop(pod), limit.promise]).catch((error) => {
    log.warn('services did not let go of a pod', { pod: pod.metadata.name, error: String(error) });
  });
}
