// Conditions of statuses: found by type, replaced as a whole, with the time of the last change kept right.

export interface ConditionLike {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string | null;
}

export function findCondition<T extends { type: string }>(
  conditions: readonly T[] | undefined,
  type: string,
): T | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function isConditionTrue(
  conditions: readonly { type: string; status: string }[] | undefined,
  type: string,
): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

/** A new list with `next` in place of the condition of its type; the transition time stays while the status does. */
export function withCondition<T extends ConditionLike>(conditions: readonly T[] | undefined, next: T): T[] {
  const current = findCondition(conditions, next.type);
  const isSame = current?.status === next.status && current.lastTransitionTime;
  const entry = isSame ? { ...next, lastTransitionTime: current.lastTransitionTime } : next;
  if (!current) return [...(conditions ?? []), entry];
  return conditions!.map((condition) => (condition.type === next.type ? entry : condition));
}

export function withoutCondition<T extends { type: string }>(conditions: readonly T[] | undefined, type: string): T[] {
  return (conditions ?? []).filter((condition) => condition.type !== type);
}

/** For a strategic patch of a status: puts the condition where its type stands, else at the end. */
export function conditionPatch<T extends { type: string }>(
  known: readonly { type: string }[] | undefined,
  condition: T,
): { conditions: T[]; '$setElementOrder/conditions': { type: string }[] } {
  const types = new Set([...(known ?? []).map(({ type }) => type), condition.type]);
  return { conditions: [condition], '$setElementOrder/conditions': [...types].map((type) => ({ type })) };
}
