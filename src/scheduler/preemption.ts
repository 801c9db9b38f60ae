// When nothing fits: which pods of lower priority would have to go, on which node. Pure; the scheduler evicts.
import type { PodDisruptionBudget } from '../../generated/policy-v1.ts';
import { matchesSelector } from '../api/meta/labels.ts';
import { selectorOf } from '../api/meta/selectors.ts';
import { prepareFilters } from './cycle.ts';
import { type NodeView, without } from './node-cache.ts';
import type { Filter, Refusal, Snapshot } from './plugin.ts';
import type { PodView } from './pod-view.ts';

export interface Preemption {
  readonly node: string;
  readonly victims: readonly PodView[];
}

export type PreemptionPlan =
  | { readonly chosen: Preemption }
  /** `isWaiting`: what was promised to the pod still holds. */
  | { readonly message: string; readonly isWaiting?: boolean };

interface Candidate extends Preemption {
  readonly violations: number;
}

/** Looking at a part of the nodes is enough here too. */
const leastCandidates = 100;
const candidateShare = 0.1;
const notHelpful = 'Preemption is not helpful for scheduling.';
const noVictims = 'No preemption victims found for incoming pod.';

export interface PreemptionOptions {
  readonly filters: readonly Filter[];
  readonly budgets: readonly PodDisruptionBudget[];
  /** Where victims went for this pod before. */
  readonly promisedNode?: string | undefined;
}

/** The cheapest set of victims, or the message why there is none. */
export function planPreemption(
  pod: PodView,
  snapshot: Snapshot,
  refusals: ReadonlyMap<string, readonly Refusal[]>,
  options: PreemptionOptions,
): PreemptionPlan {
  const total = snapshot.nodes.length;
  const ineligible = whyIneligible(pod, snapshot, refusals, options);
  if (ineligible) return { message: `preemption: not eligible due to ${ineligible}.`, isWaiting: true };
  const counts = new Map<string, number>();
  const candidates: Candidate[] = [];
  const enough = Math.max(leastCandidates, total * candidateShare);
  for (const node of snapshot.nodes) {
    const isHopeless = (refusals.get(node.name) ?? []).some(({ isFinal }) => isFinal);
    const candidate = isHopeless ? undefined : findVictims(pod, node, snapshot, options);
    if (candidate) {
      candidates.push(candidate);
      if (candidates.length >= enough) break;
    } else counts.set(isHopeless ? notHelpful : noVictims, (counts.get(isHopeless ? notHelpful : noVictims) ?? 0) + 1);
  }
  const [chosen] = candidates.sort(compareCandidates);
  if (chosen) return { chosen };
  const parts = [...counts].map(([reason, count]) => `${count} ${reason.slice(0, -1)}`).sort();
  return { message: `preemption: 0/${total} nodes are available: ${parts.join(', ')}.` };
}

/** A pod does not evict twice: while its victims go, it waits. */
function whyIneligible(
  pod: PodView,
  { nodes }: Snapshot,
  refusals: ReadonlyMap<string, readonly Refusal[]>,
  { promisedNode }: PreemptionOptions,
): string | undefined {
  if (pod.pod.spec.preemptionPolicy === 'Never') return 'preemptionPolicy=Never';
  const node = promisedNode ? nodes.find(({ name }) => name === promisedNode) : undefined;
  if (!node || refusals.get(node.name)?.some(({ isFinal }) => isFinal)) return undefined;
  for (const other of node.pods.values()) {
    if (other.priority < pod.priority && other.pod.metadata.deletionTimestamp) {
      return 'a terminating pod on the nominated node';
    }
  }
  return undefined;
}

/** Takes all weaker pods away, sees whether the pod fits then, and puts back as many as possible, the strongest first. */
function findVictims(
  pod: PodView,
  node: NodeView,
  snapshot: Snapshot,
  { filters, budgets }: PreemptionOptions,
): Candidate | undefined {
  const weaker = [...node.pods.values()]
    .filter((other) => other.priority < pod.priority)
    .sort((a, b) => b.priority - a.priority || (startOf(a) < startOf(b) ? -1 : 1));
  if (weaker.length === 0) return undefined;
  const gone = new Set(weaker.map(({ key }) => key));
  const fits = () => {
    const thinned = without(node, gone);
    const nodes = snapshot.nodes.map((each) => (each.name === node.name ? thinned : each));
    return prepareFilters(pod, filters, { ...snapshot, nodes }).whyNot(thinned).length === 0;
  };
  if (!fits()) return undefined;
  const violating = violatedBudgets(weaker, budgets);
  const order = [...weaker.filter(({ key }) => violating.has(key)), ...weaker.filter(({ key }) => !violating.has(key))];
  for (const { key } of order) {
    gone.delete(key);
    if (!fits()) gone.add(key);
  }
  const victims = order.filter(({ key }) => gone.has(key));
  return { node: node.name, victims, violations: victims.filter(({ key }) => violating.has(key)).length };
}

/** Pods whose eviction one of their disruption budgets would not allow, when the earlier ones are evicted too. */
function violatedBudgets(pods: readonly PodView[], budgets: readonly PodDisruptionBudget[]): Set<string> {
  const left = new Map(budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0]));
  const violating = new Set<string>();
  for (const pod of pods) {
    for (const budget of budgets) {
      if (budget.metadata.namespace !== pod.namespace || !budget.spec.selector) continue;
      const selector = selectorOf(budget.spec.selector);
      if (!selector || !matchesSelector(selector, pod.labels)) continue;
      const remaining = left.get(budget)! - 1;
      left.set(budget, remaining);
      if (remaining < 0) violating.add(pod.key);
    }
  }
  return violating;
}

const startOf = (pod: PodView) => pod.pod.status?.startTime ?? pod.pod.metadata.creationTimestamp ?? '';
const highest = (candidate: Candidate) => Math.max(...candidate.victims.map(({ priority }) => priority));
const sum = (candidate: Candidate) => candidate.victims.reduce((total, { priority }) => total + priority + 2 ** 31, 0);
const latestStart = (candidate: Candidate) =>
  candidate.victims
    .filter(({ priority }) => priority === highest(candidate))
    .map(startOf)
    .sort()[0] ?? '';

/** Fewest broken budgets, then the weakest strongest victim, the smallest sum, the fewest, those that started last. */
function compareCandidates(a: Candidate, b: Candidate): number {
  return (
    a.violations - b.violations ||
    highest(a) - highest(b) ||
    sum(a) - sum(b) ||
    a.victims.length - b.victims.length ||
    (latestStart(a) > latestStart(b) ? -1 : latestStart(a) < latestStart(b) ? 1 : 0)
  );
}
