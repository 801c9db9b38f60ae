// Which pods of a node would have to move if it went, and which of them hold it back: pure.
import type { Pod } from '../../../generated/core-v1.ts';
import type { PodDisruptionBudget } from '../../../generated/policy-v1.ts';
import { matchesSelector } from '../../api/meta/labels.ts';
import { controllerOf } from '../../api/meta/owner-references.ts';
import { cachedSelector } from '../shared/selector.ts';
import { isDaemonPod, isLongTerminating, isMirrorPod, safeToEvict } from './pods.ts';

export type Moving = { readonly pods: readonly Pod[] } | { readonly blockedBy: Pod; readonly reason: string };

export function podsToMove(pods: readonly Pod[], budgets: readonly PodDisruptionBudget[], nowMs: number): Moving {
  const moving: Pod[] = [];
  for (const pod of pods) {
    if (isMirrorPod(pod) || isDaemonPod(pod) || isLongTerminating(pod, nowMs)) continue;
    const reason = whyNot(pod, budgets);
    if (reason) return { blockedBy: pod, reason };
    moving.push(pod);
  }
  return { pods: moving };
}

function whyNot(pod: Pod, budgets: readonly PodDisruptionBudget[]): string | undefined {
  const { metadata, spec } = pod;
  const annotation = metadata.annotations?.[safeToEvict];
  if (annotation === 'true' || isTerminal(pod)) return undefined;
  if (!controllerOf(pod)) return 'NotReplicated';
  const isBudgeted = () => budgetsOf(pod, budgets).length > 0;
  if (metadata.namespace === 'kube-system' && !isBudgeted()) return 'UnmovableKubeSystemPod';
  if (spec.volumes?.some(({ hostPath, emptyDir }) => hostPath || (emptyDir && emptyDir.medium !== 'Memory')))
    return 'LocalStorageRequested';
  if (annotation === 'false') return 'NotSafeToEvictAnnotation';
  return undefined;
}

const isTerminal = ({ spec, status }: Pod) =>
  status?.phase === 'Failed' ||
  (status?.phase === 'Succeeded' && (spec.restartPolicy === 'Never' || spec.restartPolicy === 'OnFailure'));

export function budgetsOf(pod: Pod, budgets: readonly PodDisruptionBudget[]): PodDisruptionBudget[] {
  return budgets.filter(({ metadata, spec }) => {
    if (metadata.namespace !== pod.metadata.namespace) return false;
    const selector = cachedSelector(spec?.selector);
    return selector !== undefined && matchesSelector(selector, pod.metadata.labels);
  });
}

/** What the budgets still allow, as more and more pods are thought away. */
export class BudgetsLeft {
  readonly #budgets: readonly PodDisruptionBudget[];
  readonly #left = new Map<string, number>();

  constructor(budgets: readonly PodDisruptionBudget[]) {
    this.#budgets = budgets;
    for (const budget of budgets) this.#left.set(uidOf(budget), budget.status?.disruptionsAllowed ?? 0);
  }

  /** Takes from the budgets, all or nothing. */
  take(pods: readonly Pod[]): boolean {
    const wanted = new Map<string, number>();
    for (const pod of pods)
      for (const budget of budgetsOf(pod, this.#budgets))
        wanted.set(uidOf(budget), (wanted.get(uidOf(budget)) ?? 0) + 1);
    for (const [uid, count] of wanted) if ((this.#left.get(uid) ?? 0) < count) return false;
    for (const [uid, count] of wanted) this.#left.set(uid, this.#left.get(uid)! - count);
    return true;
  }
}

const uidOf = ({ metadata }: PodDisruptionBudget) => metadata.uid ?? `${metadata.namespace}/${metadata.name}`;
