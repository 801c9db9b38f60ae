// When nothing fits: which pods of lower priority would have to go, on which node. Nothing is evicted here; nodes are
// asked as if pods had gone, and what a node answered is kept until it changes.
import type { PodDisruptionBudget } from '../../generated/policy-v1.ts';
import { matchesSelector } from '../api/meta/labels.ts';
import { selectorOf } from '../api/meta/selectors.ts';
import type { Random } from '../base/random.ts';
import type { Decider } from './cycle.ts';
import type { NodeView } from './node-cache.ts';
import type { Nominations } from './nominations.ts';
import type { Refusal, Snapshot } from './plugin.ts';
import type { PodView } from './pod-view.ts';
import type { ShapeAnswers } from './shape-answers.ts';

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
  readonly highest: number;
  readonly sum: number;
  readonly latestStart: string;
}

/** Looking at a part of the nodes is enough here too. */
const leastCandidates = 100;
const candidateShare = 0.1;
const notHelpful = 'Preemption is not helpful for scheduling';
const noVictims: readonly Refusal[] = [{ reason: 'No preemption victims found for incoming pod', isFinal: true }];

export interface PreemptionOptions {
  readonly decider: Decider;
  readonly budgets: readonly PodDisruptionBudget[];
  readonly nominations?: Nominations;
  /** Where among the nodes to begin; the first one without it. */
  readonly random?: Random;
  /** Where victims went for this pod before. */
  readonly promisedNode?: string | undefined;
}

/** Why each node would not do. */
interface WhyNot {
  of(node: NodeView): readonly Refusal[];
}

const isFinal = (refusals: readonly Refusal[]) => refusals.some((refusal) => refusal.isFinal);

/** The cheapest set of victims, or the message why there is none. */
export function planPreemption(
  pod: PodView,
  snapshot: Snapshot,
  refusals: WhyNot,
  options: PreemptionOptions,
): PreemptionPlan {
  const { nodes } = snapshot;
  const ineligible = whyIneligible(pod, snapshot, refusals, options);
  if (ineligible) return { message: `preemption: not eligible due to ${ineligible}.`, isWaiting: true };
  const hopeful = nodes.filter((node) => !isFinal(refusals.of(node)));
  const counts = new Map<string, number>();
  if (hopeful.length < nodes.length) counts.set(notHelpful, nodes.length - hopeful.length);
  const [first, ...others] = findCandidates(pod, hopeful, options, (reason) =>
    counts.set(reason, (counts.get(reason) ?? 0) + 1),
  );
  if (first) return { chosen: others.reduce((best, each) => (compareCandidates(each, best) < 0 ? each : best), first) };
  const texts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return { message: `preemption: 0/${nodes.length} nodes are available: ${texts.join(', ')}.` };
}

/** A pod does not evict twice: while its victims go, it waits. */
function whyIneligible(
  pod: PodView,
  { cache }: Snapshot,
  refusals: WhyNot,
  { promisedNode }: PreemptionOptions,
): string | undefined {
  if (pod.pod.spec.preemptionPolicy === 'Never') return 'preemptionPolicy=Never';
  const node = promisedNode ? cache.find(promisedNode) : undefined;
  if (!node || isFinal(refusals.of(node))) return undefined;
  for (const other of node.pods.values()) {
    if (other.priority < pod.priority && other.isLeaving) return 'a terminating pod on the nominated node';
  }
  return undefined;
}

/** As many as are enough, one of them without a broken budget if there is one at all. */
function findCandidates(
  pod: PodView,
  nodes: readonly NodeView[],
  options: PreemptionOptions,
  tellReason: (reason: string) => void,
): Candidate[] {
  const answers = options.decider.answersFor(pod);
  const budgets = new Budgets(options.budgets);
  const enough = Math.min(Math.max(leastCandidates, Math.floor(nodes.length * candidateShare)), nodes.length);
  const offset = options.random ? Math.floor(options.random.next() * nodes.length) : 0;
  const candidates: Candidate[] = [];
  let isOneHarmless = false;
  for (let at = 0; at < nodes.length; at++) {
    const node = nodes[(offset + at) % nodes.length]!;
    const candidate = findVictims(pod, node, { answers, budgets, nominations: options.nominations });
    if (!('node' in candidate)) {
      for (const { reason } of candidate) tellReason(reason);
      continue;
    }
    candidates.push(candidate);
    if (candidate.violations === 0) isOneHarmless = true;
    if (isOneHarmless && candidates.length >= enough) break;
  }
  return candidates;
}

interface Trial {
  readonly answers: ShapeAnswers;
  readonly budgets: Budgets;
  readonly nominations: Nominations | undefined;
}

/** Takes all weaker pods away, sees whether the pod fits then, and puts back as many as possible, the strongest first. */
function findVictims(
  pod: PodView,
  node: NodeView,
  { answers, budgets, nominations }: Trial,
): Candidate | readonly Refusal[] {
  const weaker: PodView[] = [];
  for (const other of node.pods.values()) if (other.priority < pod.priority) weaker.push(other);
  if (weaker.length === 0) return noVictims;
  weaker.sort(byImportance);
  const promised = nominations?.before(pod, node.name) ?? [];
  return answers.pretending(node, (pretence) => {
    const whyNot = () => {
      for (const other of promised) pretence.add(other);
      const beside = promised.length > 0 ? answers.verdictNow(pod, node).refusals : [];
      for (const other of promised) pretence.remove(other);
      return beside.length > 0 ? beside : answers.verdictNow(pod, node).refusals;
    };
    for (const other of weaker) pretence.remove(other);
    const refusals = whyNot();
    if (refusals.length > 0) return refusals;
    const violating = budgets.violatedBy(weaker);
    const victims: PodView[] = [];
    const spare = (other: PodView) => {
      pretence.add(other);
      if (whyNot().length === 0) return;
      pretence.remove(other);
      victims.push(other);
    };
    for (const other of weaker) if (violating.has(other)) spare(other);
    const violations = victims.length;
    for (const other of weaker) if (!violating.has(other)) spare(other);
    return victims.length > 0 ? candidateOf(node, victims.sort(byImportance), violations) : noVictims;
  });
}

/** The most important first: by priority, then by how long it has been running. */
const byImportance = (one: PodView, other: PodView) =>
  other.priority - one.priority || (startOf(one) < startOf(other) ? -1 : startOf(one) > startOf(other) ? 1 : 0);

const startOf = ({ pod }: PodView) => pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '';

function candidateOf(node: NodeView, victims: readonly PodView[], violations: number): Candidate {
  const highest = victims[0]!.priority;
  let sum = 0;
  let latestStart = startOf(victims[0]!);
  for (const victim of victims) {
    sum += victim.priority + 2 ** 31;
    if (victim.priority === highest && startOf(victim) < latestStart) latestStart = startOf(victim);
  }
  return { node: node.name, victims, violations, highest, sum, latestStart };
}

/** What disruption budgets allow, their selectors read once. */
class Budgets {
  readonly #budgets;

  constructor(budgets: readonly PodDisruptionBudget[]) {
    this.#budgets = budgets.flatMap((budget) => {
      const selector = selectorOf(budget.spec.selector);
      return selector?.length ? [{ budget, selector }] : [];
    });
  }

  /** Those whose eviction a budget would not allow, when the earlier ones are evicted too. */
  violatedBy(pods: readonly PodView[]): Set<PodView> {
    const violating = new Set<PodView>();
    if (this.#budgets.length === 0) return violating;
    const left = new Map(this.#budgets.map(({ budget }) => [budget, budget.status?.disruptionsAllowed ?? 0]));
    for (const pod of pods) {
      for (const { budget, selector } of this.#budgets) {
        if (budget.metadata.namespace !== pod.namespace || !matchesSelector(selector, pod.labels)) continue;
        // On its way out already, by leave of this budget.
        if (Object.hasOwn(budget.status?.disruptedPods ?? {}, pod.pod.metadata.name)) continue;
        const remaining = left.get(budget)! - 1;
        left.set(budget, remaining);
        if (remaining >= 0) continue;
        violating.add(pod);
        break;
      }
    }
    return violating;
  }
}

/** Fewest broken budgets, then the weakest strongest victim, the smallest sum, the fewest, those that started last. */
function compareCandidates(a: Candidate, b: Candidate): number {
  return (
    a.violations - b.violations ||
    a.highest - b.highest ||
    a.sum - b.sum ||
    a.victims.length - b.victims.length ||
    (a.latestStart > b.latestStart ? -1 : a.latestStart < b.latestStart ? 1 : 0)
  );
}
