// Writes pod statuses: one patch in flight for each pod, the newest status next, nothing when nothing changed.
import type { Pod, PodStatus } from '../../../generated/core-v1.ts';
import { podKind } from '../../../generated/kinds.ts';
import { isConflict, isNotFound } from '../../api/meta/status-error.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { sameValue } from '../../schema/same-value.ts';
import { resizeConditions } from './pod-conditions.ts';

export interface StatusWriterOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where many pods write at once: lets each begin when there is room. */
  readonly turns?: Turns;
}

export type Turns = <T>(work: () => Promise<T>) => Promise<T>;

/** One pod's status on its way to the API server. */
export interface PodStatusSink {
  /** `soon` false: nobody waits for this change, it may ride along with the next. */
  set(pod: Pod, status: PodStatus, soon: boolean): void;
  /** What was written last, or the pod's own. */
  readonly latest: PodStatus | undefined;
  /** Settles when the newest status has been written, or the pod is gone. */
  flush(): Promise<void>;
  close(): void;
}

const lazyMs = 200;
const atOnce: Turns = (work) => work();

/** At most so many at a time, in the order they came. */
export function takingTurns(atMost: number): Turns {
  const waiting = new Set<() => void>();
  let free = atMost;
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.add(resolve));
    try {
      return await work();
    } finally {
      const [next] = waiting;
      if (next) waiting.delete(next);
      if (next) next();
      else free++;
    }
  };
}

export function createPodStatusSink({ client, clock, log, turns = atOnce }: StatusWriterOptions): PodStatusSink {
  const pods = client.resource(podKind);
  let latest: PodStatus | undefined;
  /** What the API server has, as far as is known. */
  let written: PodStatus | undefined;
  let writtenVersion = '0';
  let pod: Pod | undefined;
  let busy: Promise<void> | undefined;
  let timer: Disposable | undefined;
  let isClosed = false;

  const write = async (): Promise<void> => {
    let failures = 0;
    while (pod && latest && !isClosed) {
      const target = latest;
      const patch = statusPatch(written ?? pod.status ?? {}, target);
      if (!patch) {
        written = target;
        return;
      }
      const { namespace, name, uid } = pod.metadata;
      try {
        const { metadata } = await turns(() =>
          pods.patch(
            { namespace: namespace!, name },
            { metadata: { uid }, status: patch },
            { type: 'strategic', subresource: 'status' },
          ),
        );
        writtenVersion = metadata.resourceVersion ?? '0';
        written = compare(pod, writtenVersion) > 0 ? pod.status : target;
        failures = 0;
      } catch (error) {
        if (isNotFound(error) || isConflict(error)) {
          written = target; // gone, or another pod has its name by now: nobody to tell
          return;
        }
        log.warn('pod status was not written', { pod: `${namespace}/${name}`, error: String(error) });
        failures += 1;
        await clock.sleep(Math.min(10_000, 200 * 2 ** failures));
      }
      if (latest === target && written === target) return;
    }
  };
  const start = (): void => {
    timer?.[Symbol.dispose]();
    timer = undefined;
    if (isClosed) return;
    busy ??= write().finally(() => {
      busy = undefined;
      if (latest !== written && !isClosed) timer ??= clock.timer(lazyMs, start);
    });
  };
  return {
    get latest() {
      return latest ?? pod?.status;
    },
    set(next, status, soon) {
      const isNew = next.metadata.resourceVersion !== pod?.metadata.resourceVersion;
      pod = next;
      // Others write to it, too: the node controller says that pods of a silent node are not ready.
      if (isNew && written && compare(next, writtenVersion) >= 0) written = next.status ?? {};
      const isSaid = latest && sameValue(latest, status);
      if (isSaid && !(isNew && written && statusPatch(written, status))) return;
      latest = status;
      if (soon) start();
      else timer ??= clock.timer(lazyMs, start);
    },
    async flush() {
      start();
      while (busy) await busy;
    },
    close() {
      isClosed = true;
      timer?.[Symbol.dispose]();
    },
  };
}

/** Above zero when the object is newer than that version. */
function compare({ metadata }: Pod, version: string): number {
  return Number(BigInt(metadata.resourceVersion ?? 0) - BigInt(version));
}

const lists = ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'];

/** What it says: the server writes null for a time that was not given. */
const said = (condition: object) => Object.fromEntries(Object.entries(condition).filter(([, value]) => value != null));

/** The strategic merge patch from one status to another; undefined when they are the same. */
export function statusPatch(before: PodStatus, next: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(next)]) as Set<keyof PodStatus>) {
    if (sameValue(before[key], next[key])) continue;
    if (key === 'conditions') {
      const changed = next.conditions?.filter(
        (each) => !before.conditions?.some((old) => sameValue(said(old), said(each))),
      );
      const gone = (before.conditions ?? []).filter(
        ({ type }) => resizeConditions.has(type) && !next.conditions?.some((each) => each.type === type),
      );
      const entries = [
        ...(changed ?? []).map((each) => ({ reason: null, message: null, ...each })),
        ...gone.map(({ type }) => ({ type, $patch: 'delete' })),
      ];
      if (entries.length > 0) patch[key] = entries;
    } else if (next[key] === undefined) {
      // Fields of others (nominatedNodeName, resize, …) are left alone; of ours only these may go.
      if (key === 'reason' || key === 'message') patch[key] = null;
    } else if (key === 'podIPs' || key === 'hostIPs') patch[key] = [...next[key]!, { $patch: 'replace' }];
    else if (lists.includes(key)) patch[key] = next[key];
    else patch[key] = next[key];
  }
  return Object.keys(patch).length > 0 ? patch : undefined;
}
