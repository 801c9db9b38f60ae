// Which budgets a pod falls under and which pods a budget covers, kept up to date: an event of a pod costs its labels and the
// budgets that name one of them, a look at a budget its pods, however many others there are.
import type { Pod } from '../../../generated/core-v1.ts';
import type { PodDisruptionBudget } from '../../../generated/policy-v1.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { type Labels, matchesSelector } from '../../api/meta/labels.ts';
import { keyOf } from '../../api/meta/object.ts';
import type { Informer } from '../../reconcile/informer.ts';
import { cachedSelector } from '../shared/selector.ts';

const anchorIndex = 'disruption-anchor';

export class BudgetMembers {
  readonly #budgets: Informer<PodDisruptionBudget>;
  readonly #pods: Informer<Pod>;
  /** By the budget's key: keys of the pods that it selects. */
  readonly #members = new Map<string, Set<string>>();

  constructor(budgets: Informer<PodDisruptionBudget>, pods: Informer<Pod>) {
    this.#budgets = budgets;
    this.#pods = pods;
    budgets.addIndex(anchorIndex, anchorsOf);
    budgets.onChange({
      added: (budget) => this.#gather(budget),
      updated: (next, previous) => {
        if (!isEqual(next.spec?.selector, previous.spec?.selector)) this.#gather(next);
      },
      deleted: (budget) => this.#members.delete(keyOf(budget)),
    });
    pods.onChange({
      added: (pod) => this.#add(pod),
      updated: (next, previous) => {
        if (isEqual(next.metadata.labels, previous.metadata.labels)) return;
        this.#remove(previous);
        this.#add(next);
      },
      deleted: (pod) => this.#remove(pod),
    });
  }

  /** The budgets of the namespace that select pods with these labels. */
  budgetsFor(namespace: string, labels: Labels | undefined): PodDisruptionBudget[] {
    const found = new Set(this.#budgets.byIndex(anchorIndex, anchor(namespace)));
    for (const [key, value] of Object.entries(labels ?? {})) {
      for (const budget of this.#budgets.byIndex(anchorIndex, anchor(namespace, key))) found.add(budget);
      for (const budget of this.#budgets.byIndex(anchorIndex, anchor(namespace, key, value))) found.add(budget);
    }
    return [...found].filter((budget) => selects(budget, labels));
  }

  /** As they are now. */
  podsOf(budget: PodDisruptionBudget): Pod[] {
    const members = this.#members.get(keyOf(budget)) ?? new Set();
    const pods: Pod[] = [];
    for (const key of members) {
      const pod = this.#pods.find(key);
      // A pod may have changed its labels with its last breath.
      if (pod && selects(budget, pod.metadata.labels)) pods.push(pod);
      else members.delete(key);
    }
    return pods;
  }

  #gather(budget: PodDisruptionBudget): void {
    const pods = this.#pods.list(budget.metadata.namespace).filter(({ metadata }) => selects(budget, metadata.labels));
    this.#members.set(keyOf(budget), new Set(pods.map(keyOf)));
  }

  #add(pod: Pod): void {
    const { namespace = '', labels } = pod.metadata;
    for (const budget of this.budgetsFor(namespace, labels)) this.#members.get(keyOf(budget))?.add(keyOf(pod));
  }

  #remove(pod: Pod): void {
    const { namespace = '', labels } = pod.metadata;
    for (const budget of this.budgetsFor(namespace, labels)) this.#members.get(keyOf(budget))?.delete(keyOf(pod));
  }
}

const anchor = (...parts: readonly string[]): string => parts.join('\n');

/** Labels of which a pod must have one to be selected; where there are none, the whole namespace. */
function anchorsOf({ metadata, spec }: PodDisruptionBudget): string[] {
  const { namespace = '' } = metadata;
  const selector = cachedSelector(spec?.selector);
  if (!selector) return [];
  const named = selector.filter(({ operator }) => operator === 'in' || operator === '=' || operator === '==');
  const narrowest = named.sort((a, b) => a.values.length - b.values.length)[0];
  if (narrowest) return narrowest.values.map((value) => anchor(namespace, narrowest.key, value));
  const existing = selector.find(({ operator }) => operator === 'exists');
  return [existing ? anchor(namespace, existing.key) : anchor(namespace)];
}

function selects({ spec }: PodDisruptionBudget, labels: Labels | undefined): boolean {
  const selector = cachedSelector(spec?.selector);
  return selector !== undefined && matchesSelector(selector, labels);
}
