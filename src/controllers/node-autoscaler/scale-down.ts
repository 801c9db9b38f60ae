// Which nodes nobody needs: their pods would find places elsewhere. Asks a trial, and leaves in it what it supposes.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import type { PodDisruptionBudget } from '../../../generated/policy-v1.ts';
import { keyOf } from '../../api/meta/object.ts';
import { hasTaint, scaleDownDisabled, toBeDeletedTaint, utilization } from './pods.ts';
import { BudgetsLeft, podsToMove } from './removable.ts';
import type { Trial } from './trial.ts';

export interface Unneeded {
  readonly node: Node;
  /** Those that have to be evicted; without any the node is empty. */
  readonly pods: readonly Pod[];
}

export interface ScaleDownInput {
  /** Nodes that belong to a group. */
  readonly nodes: readonly Node[];
  readonly podsOn: (nodeName: string) => readonly Pod[];
  readonly budgets: readonly PodDisruptionBudget[];
  readonly threshold: number;
  readonly nowMs: number;
  /** Found unneeded before: looked at first, so that the choice stays the same. */
  readonly before: ReadonlySet<string>;
}

/** Simulating a drain costs: so many are looked at in one look. */
const mostDrained = 30;

/** Whether it is worth a trial. */
export function candidates({ nodes, podsOn, threshold, nowMs, before }: ScaleDownInput): Node[] {
  return nodes
    .filter(({ metadata }) => metadata.annotations?.[scaleDownDisabled] !== 'true')
    .filter((node) => !hasTaint(node, toBeDeletedTaint))
    .map((node) => ({ node, used: utilization(node, podsOn(node.metadata.name), nowMs) }))
    .filter(({ used }) => used < threshold)
    .sort(
      (a, b) => Number(before.has(b.node.metadata.name)) - Number(before.has(a.node.metadata.name)) || a.used - b.used,
    )
    .map(({ node }) => node);
}

export function planScaleDown(trial: Trial, chosen: readonly Node[], input: ScaleDownInput): Unneeded[] {
  const { podsOn, nowMs } = input;
  const budgets = new BudgetsLeft(input.budgets);
  const unneeded: Unneeded[] = [];
  /** Nodes that were given pods of others: they are needed. */
  const destinations = new Set<string>();
  let drained = 0;
  for (const node of chosen) {
    const { name } = node.metadata;
    if (destinations.has(name)) continue;
    const all = podsOn(name);
    const moving = podsToMove(all, input.budgets, nowMs);
    if ('blockedBy' in moving) continue;
    if (moving.pods.length > 0 && ++drained > mostDrained) break;
    const places = tryWithout(trial, node, all, moving.pods);
    if (!places) continue;
    if (!budgets.take(moving.pods)) {
      putBack(trial, node, all, moving.pods);
      continue;
    }
    for (const place of places) destinations.add(place);
    unneeded.push({ node, pods: moving.pods });
  }
  return unneeded;
}

/** Where the pods would go; undefined, and all as before, when one of them finds no place. */
function tryWithout(trial: Trial, node: Node, all: readonly Pod[], moving: readonly Pod[]): string[] | undefined {
  for (const pod of all) trial.remove(keyOf(pod));
  trial.removeNode(node.metadata.name);
  const places: string[] = [];
  for (const pod of moving) {
    const homeless: Pod = { ...pod, spec: { ...pod.spec } };
    delete (homeless.spec as { nodeName?: string }).nodeName;
    const place = trial.find(homeless);
    if (!place) {
      putBack(trial, node, all, moving);
      return undefined;
    }
    trial.place(homeless, place);
    places.push(place);
  }
  return places;
}

function putBack(trial: Trial, node: Node, all: readonly Pod[], moving: readonly Pod[]): void {
  for (const pod of moving) trial.remove(keyOf(pod));
  trial.setNode(node);
  for (const pod of all) trial.place(pod, node.metadata.name);
}
