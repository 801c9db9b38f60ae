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
import type { Refusals } from './refusals.ts';
import type { ShapeAnswers } from './shape-answers.ts';

export interface Preemption {
  readonly node: string;
  readonly victims: readonly PodView[];
  /** Victims whose disruption budgets are broken. */
  readonly violations?: number;
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
  readonly budgets: Budgets;
  /** Where victims went for this pod before. */
  readonly promisedNode?: string | undefined;
}

export interface PreemptorOptions {
  readonly nominations?: Nominations;
  /** Where among the nodes to begin; at the first one without it. */
  readonly random?: Random;
  /** So many candidates are enough: at least these, or this share of the nodes. */
  readonly leastCandidates?: number;
  readonly candidateShare?: number;
}

/** Why each node would not do. */
type WhyNot = Pick<Refusals, 'of' | 'hopeful'>;

const isFinal = (refusals: readonly Refusal[]) => refusals.some((refusal) => refusal.isFinal);

type Outcome = Candidate | readonly Refusal[];

/** What nodes answered to pods of one shape; good as long as the budgets are the same. */
interface Kept {
  readonly budgets: Budgets;
  /** By row: the answer, and the version of the node that gave it. */
  readonly outcomes: ({ readonly version: number; readonly outcome: Outcome } | undefined)[];
}

export class Preemptor {
  readonly #snapshot: Snapshot;
  readonly #decider: Decider;
  readonly #options: PreemptorOptions;
  readonly #kept = new WeakMap<ShapeAnswers, Kept>();

  constructor(snapshot: Snapshot, decider: Decider, options: PreemptorOptions = {}) {
    this.#snapshot = snapshot;
    this.#decider = decider;
    this.#options = options;
  }

  /** The cheapest set of victims, or the message why there is none. */
  plan(pod: PodView, refusals: WhyNot, options: PreemptionOptions): PreemptionPlan {
    const ineligible = whyIneligible(pod, this.#snapshot, refusals, options);
    if (ineligible) return { message: `preemption: not eligible due to ${ineligible}.`, isWaiting: true };
    const { nodes } = this.#snapshot;
    const hopeful = refusals.hopeful();
    const counts = new Map<string, number>();
    if (hopeful.length < nodes.length) counts.set(notHelpful, nodes.length - hopeful.length);
    const chosen = this.#best(pod, hopeful, options.budgets, (reason) =>
      counts.set(reason, (counts.get(reason) ?? 0) + 1),
    );
    if (chosen) return { chosen };
    const texts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
    return { message: `preemption: 0/${nodes.length} nodes are available: ${texts.join(', ')}.` };
  }

  /** A set of victims for each node that could be made to fit. */
  candidates(pod: PodView, refusals: WhyNot, { budgets }: PreemptionOptions): readonly Preemption[] {
    const ask = this.#outcomes(pod, budgets);
    return refusals.hopeful().flatMap((node) => {
      const outcome = ask(node);
      return 'node' in outcome ? [outcome] : [];
    });
  }

  /** The cheapest; undefined: there is none. */
  cheapest(plans: readonly Preemption[]): Preemption | undefined {
    const candidates = plans.flatMap(({ node: name, victims, violations = 0 }) => {
      const node = this.#snapshot.cache.find(name);
      return node && victims.length > 0 ? [candidateOf(node, [...victims].sort(byImportance), violations)] : [];
    });
    return candidates.sort(compareCandidates)[0];
  }

  /** Of as many as are enough, one of them without a broken budget if there is one at all. */
  #best(
    pod: PodView,
    nodes: readonly NodeView[],
    budgets: Budgets,
    tellReason: (reason: string) => void,
  ): Candidate | undefined {
    const ask = this.#outcomes(pod, budgets);
    const { leastCandidates: least = leastCandidates, candidateShare: share = candidateShare } = this.#options;
    const enough = Math.min(Math.max(least, Math.floor(nodes.length * share)), nodes.length);
    const offset = Math.floor((this.#options.random?.next() ?? 0) * nodes.length);
    let best: Candidate | undefined;
    let found = 0;
    for (let at = 0; at < nodes.length; at++) {
      const outcome = ask(nodes[(offset + at) % nodes.length]!);
      if (!('node' in outcome)) {
        for (const { reason } of outcome) tellReason(reason);
        continue;
      }
      found++;
      if (!best || compareCandidates(outcome, best) < 0) best = outcome;
      if (best.violations === 0 && found >= enough) break;
    }
    return best;
  }

  /** Asks a node, or gives what it answered to a pod of the same shape, where nothing else could change the answer. */
  #outcomes(pod: PodView, budgets: Budgets): (node: NodeView) => Outcome {
    const answers = this.#decider.answersFor(pod);
    const trial: Trial = { answers, budgets, nominations: this.#options.nominations };
    const tail = answers.tailFor(pod);
    const isPromised = this.#options.nominations?.nodeOf(pod.key) !== undefined;
    const dependsOnOthers = isPromised || 'blocked' in tail || tail.filters.length > 0;
    if (dependsOnOthers) return (node) => findVictims(pod, node, trial);
    let kept = this.#kept.get(answers);
    if (kept?.budgets !== budgets) {
      kept = { budgets, outcomes: [] };
      this.#kept.set(answers, kept);
    }
    const { outcomes } = kept;
    const { roomVersions } = this.#snapshot.cache;
    return (node) => {
      const version = roomVersions[node.row]!;
      let known = outcomes[node.row];
      if (known?.version !== version) {
        known = { version, outcome: findVictims(pod, node, trial) };
        outcomes[node.row] = known;
      }
      return known.outcome;
    };
  }
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

interface Trial {
  readonly answers: ShapeAnswers;
  readonly budgets: Budgets;
  readonly nominations: Nominations | undefined;
}

/** Takes all weaker pods away, sees whether the pod fits then, and puts back as many as possible, the strongest first. */
function findVictims(pod: PodView, node: NodeView, { answers, budgets, nominations }: Trial): Outcome {
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

/** What disruption budgets allow, their selectors read once. Made anew when one changes. */
export class Budgets {
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
