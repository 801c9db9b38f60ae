// When what led to a change of endpoints happened: clients measure by it how long the change took to reach them.
import type { Pod, Service } from '../../../generated/core-v1.ts';
import { findCondition } from '../../api/meta/conditions.ts';
import { keyOf } from '../../api/meta/object.ts';
import { timeMs } from '../../api/meta/time.ts';

export const triggerTimeAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

interface Seen {
  readonly service: string;
  readonly pods: ReadonlyMap<string, string>;
}

export class TriggerTimes {
  readonly #seen = new Map<string, Seen>();

  /** The earliest of what is new since the last call; of a new Service, its own time. Undefined: nothing is new. */
  next(service: Service, pods: readonly Pod[]): string | undefined {
    const key = keyOf(service);
    const before = this.#seen.get(key);
    const born = service.metadata.creationTimestamp ?? '';
    const times = new Map<string, string>();
    for (const pod of pods) {
      const changed = findCondition(pod.status?.conditions, 'Ready')?.lastTransitionTime;
      if (changed) times.set(pod.metadata.name, changed);
    }
    this.#seen.set(key, { service: born, pods: times });
    if (!before) return born || undefined;
    const fresh = [...times].filter(([name, time]) => isLater(time, before.pods.get(name))).map(([, time]) => time);
    if (isLater(born, before.service)) fresh.push(born);
    return fresh.reduce<string | undefined>(
      (least, time) => (least && !isLater(least, time) ? least : time),
      undefined,
    );
  }

  forget(key: string): void {
    this.#seen.delete(key);
  }
}

function isLater(time: string, than: string | undefined): boolean {
  return (timeMs(time) ?? 0) > (timeMs(than) ?? 0);
}

/** The annotations of an object that is written now. */
export function withTriggerTime(
  annotations: Readonly<Record<string, string>> | undefined,
  time: string | undefined,
): Record<string, string> {
  const { [triggerTimeAnnotation]: _, ...others } = annotations ?? {};
  return time ? { ...others, [triggerTimeAnnotation]: time } : others;
}
