// Which daemons to make and which to delete: first so that each node has one, then so that all are of the new template.
import type { DaemonSet, DaemonSetStatus } from '../../../generated/apps-v1.ts';
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { scaledValue } from '../../api/meta/int-or-string.ts';
import { revisionHashLabel } from '../revisions/history.ts';
import { availableInMs, isAvailable, isReady } from '../shared/pod-state.ts';
import { type Placement, placementOn, templateGenerationAnnotation, templateGenerationLabel } from './daemon-pod.ts';

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
  /** None: the node is not there any more. */
  readonly placement: Placement | undefined;
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

/** Nodes that are there, then those that are gone and have pods yet. */
function perNode({ set, nodes, pods }: DaemonInput): OnNode[] {
  const places: OnNode[] = nodes.map((node) => {
    const { name } = node.metadata;
    return { node: name, placement: placementOn(set, node), pods: pods.get(name) ?? [] };
  });
  const known = new Set(places.map(({ node }) => node));
  for (const [node, left] of pods) if (!known.has(node)) places.push({ node, placement: undefined, pods: left });
  return places;
}

const hasHash = (pod: Pod, hash: string) => pod.metadata.labels?.[revisionHashLabel] === hash;

/** A pod of the same generation counts as new, too, as that of a set that was made again under its name. */
function isUpdated({ metadata: { labels } }: Pod, { set, hash }: DaemonInput): boolean {
  const generation = set.metadata.annotations?.[templateGenerationAnnotation];
  return (
    labels?.[revisionHashLabel] === hash ||
    (generation !== undefined && labels?.[templateGenerationLabel] === generation)
  );
}

/** One daemon on each node that should have one. */
export function planPlacement(input: DaemonInput): DaemonPlan {
  const plan: DaemonPlan = { create: [], delete: [], ended: [] };
  const places = perNode(input);
  const surge = maxSurge(input.set, desiredOf(places));
  for (const place of places) {
    const { node, placement, pods } = place;
    // Nobody collects pods that wait for a node that will not come.
    if (!placement)
      plan.delete.push(...pods.filter(({ spec, metadata }) => !spec.nodeName && !metadata.deletionTimestamp));
    else if (placement.shouldRun && pods.length === 0) plan.create.push(node);
    else if (placement.mayStay) planExisting(input, place, surge, plan);
    else plan.delete.push(...pods.filter((pod) => !pod.metadata.deletionTimestamp));
  }
  return plan;
}

const desiredOf = (places: readonly OnNode[]) => places.filter(({ placement }) => placement?.shouldRun).length;

function planExisting(input: DaemonInput, { node, placement, pods }: OnNode, surge: number, plan: DaemonPlan): void {
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
  else if (running.length === 0) {
    // The next one does not wait until the last one is gone.
    if (placement?.shouldRun) plan.create.push(node);
  } else {
    // One of each template may stand side by side while the new one starts.
    const old = running.filter((pod) => !hasHash(pod, input.hash));
    const fresh = running.filter((pod) => hasHash(pod, input.hash));
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
  const places = perNode(input).filter(({ placement, pods }) => placement?.shouldRun || pods.length > 0);
  const surge = maxSurge(set, desiredOf(places));
  if (surge > 0) planSurge(input, places, surge, plan);
  else planReplacement(input, places, plan);
  return plan;
}

/** Of those that stay; undefined where there are more than one of each, which the placement puts in order. */
function oldAndNew({ pods }: OnNode, input: DaemonInput): { old: Pod | undefined; fresh: Pod | undefined } | undefined {
  const staying = pods.filter(({ metadata }) => !metadata.deletionTimestamp);
  const fresh = staying.filter((pod) => isUpdated(pod, input));
  const old = staying.filter((pod) => !fresh.includes(pod));
  return old.length > 1 || fresh.length > 1 ? undefined : { old: old[0], fresh: fresh[0] };
}

function planReplacement(input: DaemonInput, places: readonly OnNode[], plan: DaemonPlan): void {
  const { set, nowMs } = input;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const works = (pod: Pod) => isAvailable(pod, minReadySeconds, nowMs);
  let unavailable = 0;
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  for (const place of places) {
    const found = oldAndNew(place, input);
    if (!found || !found.old === !found.fresh) unavailable++;
    else if (found.fresh) unavailable += works(found.fresh) ? 0 : 1;
    else if (works(found.old!)) candidates.push(found.old!);
    else {
      // It serves nobody: replacing it makes nothing worse.
      unavailable++;
      broken.push(found.old!);
    }
  }
  // Neither may be missing nor doubled: such a set is as good as one that says 1.
  const most = limit(set, 'maxUnavailable', desiredOf(places)) || 1;
  plan.delete.push(...broken, ...candidates.slice(0, Math.max(0, most - unavailable)));
}

function planSurge(input: DaemonInput, places: readonly OnNode[], surge: number, plan: DaemonPlan): void {
  const { set, nowMs } = input;
  const minReadySeconds = set.spec.minReadySeconds ?? 0;
  const works = (pod: Pod | undefined) => pod !== undefined && isAvailable(pod, minReadySeconds, nowMs);
  let doubled = 0;
  let available = 0;
  const broken: string[] = [];
  const candidates: string[] = [];
  /** Old ones where none should run any more. */
  const leaving: Pod[] = [];
  for (const place of places) {
    const found = oldAndNew(place, input);
    if (!found) {
      doubled++;
      continue;
    }
    const { old, fresh } = found;
    if (works(old ?? fresh)) available++;
    if (!old) continue;
    if (fresh) {
      if (works(fresh)) plan.delete.push(old);
      else doubled++;
    } else if (place.placement?.shouldRun) (works(old) ? candidates : broken).push(place.node);
    else if (place.placement) (works(old) ? leaving : plan.delete).push(old);
  }
  plan.delete.push(...leaving.slice(0, Math.max(0, available - desiredOf(places))));
  plan.create.push(...broken, ...candidates.slice(0, Math.max(0, surge - doubled)));
}

/** What to report, and when a daemon becomes available by waiting. */
export function planDaemonStatus(input: DaemonInput): { status: DaemonSetStatus; recheckMs: number | undefined } {
  const { set, nowMs } = input;
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
    if (!placement) continue;
    if (!placement.shouldRun) {
      if (pod) count.misscheduled++;
      continue;
    }
    count.desired++;
    if (!pod) continue;
    count.current++;
    if (isUpdated(pod, input)) count.updated++;
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
