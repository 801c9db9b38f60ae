// Which daemons to make and which to delete: first so that each node has one, then so that all are of the new template.
import type { DaemonSet, DaemonSetStatus } from '../../../generated/apps-v1.ts';
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { scaledValue } from '../../api/meta/int-or-string.ts';
import { revisionHashLabel } from '../revisions/history.ts';
import { availableInMs, isAvailable, isReady } from '../shared/pod-state.ts';
import { type Placement, placementOn } from './daemon-pod.ts';

export interface DaemonInput {
  readonly set: DaemonSet;
  readonly nodes: readonly Node[];
  /** By node; a node that is not there any more may be among them. */
  readonly pods: ReadonlyMap<string, readonly Pod[]>;
  /** Of the current template. */
  readonly hash: string;
  readonly nowMs: number;
}

export interface DaemonPlan {
  /** Names of nodes. */
  readonly create: string[];
  readonly delete: Pod[];
  /** Of the deleted, those that ended by themselves, and how. */
  readonly ended: { readonly pod: Pod; readonly phase: 'Failed' | 'Succeeded' }[];
}

interface OnNode {
  readonly node: string;
  readonly placement: Placement;
  readonly pods: readonly Pod[];
}

const maxSurge = (set: DaemonSet, desired: number) => limit(set, 'maxSurge', desired);
const created = (pod: Pod) => pod.metadata.creationTimestamp ?? '';
const byAge = (a: Pod, b: Pod) => (created(a) < created(b) ? -1 : created(a) > created(b) ? 1 : 0);

function limit(set: DaemonSet, name: 'maxSurge' | 'maxUnavailable', desired: number): number {
  const { updateStrategy } = set.spec;
  if (updateStrategy?.type === 'OnDelete') return 0;
  return scaledValue(updateStrategy?.rollingUpdate?.[name] ?? 0, desired, 'up');
}

function perNode({ set, nodes, pods }: DaemonInput): OnNode[] {
  const known = nodes.map((node) => {
    const { name } = node.metadata;
    return { node: name, placement: placementOn(set, node), pods: pods.get(name) ?? [] };
  });
  return known;
}

const isNew = (pod: Pod, hash: string) => pod.metadata.labels?.[revisionHashLabel] === hash;

/** One daemon on each node that should have one. */
export function planPlacement(input: DaemonInput): DaemonPlan {
  const plan: DaemonPlan = { create: [], delete: [], ended: [] };
  const places = perNode(input);
  const surge = maxSurge(input.set, places.filter(({ placement }) => placement.shouldRun).length);
  for (const { node, placement, pods } of places) {
    if (placement.shouldRun && pods.length === 0) plan.create.push(node);
    else if (placement.mayStay) planExisting(input, pods, surge, plan);
    else plan.delete.push(...pods.filter((pod) => !pod.metadata.deletionTimestamp));
  }
  return plan;
}

function planExisting(input: DaemonInput, pods: readonly Pod[], surge: number, plan: DaemonPlan): void {
  const running: Pod[] = [];
  for (const pod of pods) {
    if (pod.metadata.deletionTimestamp) continue;
    const phase = pod.status?.phase;
    if (phase === 'Failed' || phase === 'Succeeded') {
      plan.ended.push({ pod, phase });
      plan.delete.push(pod);
    } else running.push(pod);
  }
  running.sort(byAge);
  if (surge === 0) plan.delete.push(...running.slice(1));
  else {
    // One of each template may stand side by side while the new one starts.
    const old = running.filter((pod) => !isNew(pod, input.hash));
    const fresh = running.filter((pod) => isNew(pod, input.hash));
    plan.delete.push(...old.slice(1), ...fresh.slice(1));
    const isReplaced = fresh[0] && isAvailable(fresh[0], input.set.spec.minReadySeconds ?? 0, input.nowMs);
    // An old one that serves nobody need not wait for the new one.
    if (old[0] && fresh[0] && (isReplaced || !isReady(old[0]))) plan.delete.push(old[0]);
  }
}

/** The next daemons to replace, as many as may be missing (or doubled) at once. */
export function planRollout(input: DaemonInput): DaemonPlan {
  const { set } = input;
  const plan: DaemonPlan = { create: [], delete: [], ended: [] };
  if (set.spec.updateStrategy?.type === 'OnDelete') return plan;
  const places = perNode(input).filter(({ placement }) => placement.shouldRun);
  const surge = maxSurge(set, places.length);
  if (surge > 0) planSurge(input, places, surge, plan);
  else planReplacement(input, places, plan);
  return plan;
}

function oldAndNew({ pods }: OnNode, hash: string): { old: Pod | undefined; fresh: Pod | undefined } {
  const alive = pods.filter((pod) => !pod.metadata.deletionTimestamp || !isNew(pod, hash));
  return { old: alive.find((pod) => !isNew(pod, hash)), fresh: alive.find((pod) => isNew(pod, hash)) };
}

function planReplacement(input: DaemonInput, places: readonly OnNode[], plan: DaemonPlan): void {
  const { set, hash, nowMs } = input;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const works = (pod: Pod | undefined) => pod !== undefined && isAvailable(pod, minReadySeconds, nowMs);
  let unavailable = 0;
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  for (const place of places) {
    const { old, fresh } = oldAndNew(place, hash);
    if (!old) {
      if (!works(fresh)) unavailable++;
    } else if (fresh || old.metadata.deletionTimestamp) unavailable++;
    else if (!works(old)) {
      // It serves nobody: replacing it makes nothing worse.
      unavailable++;
      broken.push(old);
    } else candidates.push(old);
  }
  const room = Math.max(0, limit(set, 'maxUnavailable', places.length) - unavailable);
  plan.delete.push(...broken, ...candidates.slice(0, room));
}

function planSurge(input: DaemonInput, places: readonly OnNode[], surge: number, plan: DaemonPlan): void {
  const { set, hash, nowMs } = input;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const works = (pod: Pod) => isAvailable(pod, minReadySeconds, nowMs);
  let doubled = 0;
  const broken: string[] = [];
  const candidates: string[] = [];
  for (const place of places) {
    const { old, fresh } = oldAndNew(place, hash);
    if (!old) continue;
    if (!fresh) (old.metadata.deletionTimestamp || !works(old) ? broken : candidates).push(place.node);
    else if (!works(fresh)) doubled++;
    else if (!old.metadata.deletionTimestamp) plan.delete.push(old);
  }
  plan.create.push(...broken, ...candidates.slice(0, Math.max(0, surge - doubled)));
}

/** What to report, and when a daemon becomes available by waiting. */
export function planDaemonStatus(input: DaemonInput): { status: DaemonSetStatus; recheckMs: number | undefined } {
  const { set, hash, nowMs } = input;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const count = { desired: 0, current: 0, misscheduled: 0, ready: 0, updated: 0, available: 0 };
  let recheckMs: number | undefined;
  for (const { placement, pods } of perNode(input)) {
    const [pod] = [...pods].sort(byAge);
    // Of two on a node the younger one counts too: the older one waits for it.
    for (const each of pods) {
      const waitMs = availableInMs(each, minReadySeconds, nowMs);
      if (waitMs) recheckMs = Math.min(recheckMs ?? waitMs, waitMs);
    }
    if (!placement.shouldRun) {
      if (pod) count.misscheduled++;
      continue;
    }
    count.desired++;
    if (!pod) continue;
    count.current++;
    if (isNew(pod, hash)) count.updated++;
    if (!isReady(pod)) continue;
    count.ready++;
    const waitMs = availableInMs(pod, minReadySeconds, nowMs);
    if (waitMs === 0) count.available++;
  }
  const unavailable = count.desired - count.available;
  const collisionCount = set.status?.collisionCount;
  const status: DaemonSetStatus = {
    currentNumberScheduled: count.current,
    numberMisscheduled: count.misscheduled,
    desiredNumberScheduled: count.desired,
    numberReady: count.ready,
    observedGeneration: set.metadata.generation ?? 0,
    ...(count.updated > 0 ? { updatedNumberScheduled: count.updated } : {}),
    ...(count.available > 0 ? { numberAvailable: count.available } : {}),
    ...(unavailable > 0 ? { numberUnavailable: unavailable } : {}),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
  return { status, recheckMs };
}
