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

export type PreemptionPlan = { readonly chosen: Preemption } | { readonly message: string };

interface Candidate extends Preemption {
  readonly violations: number;
}

const notHelpful = 'Preemption is not helpful for scheduling.';
const noVictims = 'No preemption victims found for incoming pod.';

/** The cheapest set of victims, or the message why there is none. */
export function planPreemption(
  pod: PodView,
  snapshot: Snapshot,
  refusals: ReadonlyMap<string, readonly Refusal[]>,
  options: { filters: readonly Filter[]; budgets: readonly PodDisruptionBudget[] },
): PreemptionPlan {
  const total = snapshot.nodes.length;
  if (pod.pod.spec.preemptionPolicy === 'Never') return { message: `not eligible due to preemptionPolicy=Never.` };
  const counts = new Map<string, number>();
  const candidates: Candidate[] = [];
  for (const node of snapshot.nodes) {
    const isHopeless = (refusals.get(node.name) ?? []).some(({ isFinal }) => isFinal);
    const candidate = isHopeless ? undefined : findVictims(pod, node, snapshot, options);
    if (candidate) candidates.push(candidate);
    else counts.set(isHopeless ? notHelpful : noVictims, (counts.get(isHopeless ? notHelpful : noVictims) ?? 0) + 1);
  }
  const [chosen] = candidates.sort(compareCandidates);
  if (chosen) return { chosen };
  const parts = [...counts].map(([reason, count]) => `${count} ${reason.slice(0, -1)}`).sort();
  return { message: `preemption: 0/${total} nodes are available: ${parts.join(', ')}.` };
}

/** Takes all weaker pods away, sees whether the pod fits then, and puts back as many as possible, the strongest first. */
function findVictims(
  pod: PodView,
  node: NodeView,
  snapshot: Snapshot,
  { filters, budgets }: { filters: readonly Filter[]; budgets: readonly PodDisruptionBudget[] },
): Candidate | undefined {
  const weaker = [...node.pods.values()].filter((other) => other.priority < pod.priority);
  if (weaker.length === 0) return undefined;
  const gone = new Set(weaker.map(({ key }) => key));
  const fits = () => {
    const thinned = without(node, gone);
    const nodes = snapshot.nodes.map((each) => (each.name === node.name ? thinned : each));
    return prepareFilters(pod, filters, { ...snapshot, nodes })(thinned).length === 0;
  };
  if (!fits()) return undefined;
  const violating = violatedBudgets(weaker, budgets);
  const order = [...weaker].sort(
    (a, b) =>
      Number(violating.has(b.key)) - Number(violating.has(a.key)) ||
      b.priority - a.priority ||
      (startOf(a) < startOf(b) ? -1 : 1),
  );
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
