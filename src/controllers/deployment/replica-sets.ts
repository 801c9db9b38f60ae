// Pure questions about the ReplicaSets of a Deployment.
import type { Deployment, ReplicaSet } from '../../../generated/apps-v1.ts';
import type { PodTemplateSpec } from '../../../generated/core-v1.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { annotatedNumber, compareRevisions, desiredReplicasAnnotation } from './annotations.ts';

export const hashLabel = 'pod-template-hash';

/** Each set, the one of the current template among them, and the rest. */
export interface ReplicaSets {
  readonly newest: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

export const wanted = (set: ReplicaSet): number => set.spec?.replicas ?? 0;
export const available = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0;
export const sum = (sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + count(set), 0);
export const all = ({ newest, old }: ReplicaSets): ReplicaSet[] => (newest ? [...old, newest] : [...old]);
export const active = (sets: readonly ReplicaSet[]): ReplicaSet[] => sets.filter((set) => wanted(set) > 0);

export function byCreation(a: ReplicaSet, b: ReplicaSet): number {
  return compareText(a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '') || byName(a, b);
}

/** Larger first; of the same size the newer first. */
export const bySizeNewer = (a: ReplicaSet, b: ReplicaSet): number => wanted(b) - wanted(a) || byCreation(b, a);
/** Larger first; of the same size the older first. */
export const bySizeOlder = (a: ReplicaSet, b: ReplicaSet): number => wanted(b) - wanted(a) || byCreation(a, b);
export const byRevision = (a: ReplicaSet, b: ReplicaSet): number => compareRevisions(a, b) || byCreation(a, b);

const byName = (a: ReplicaSet, b: ReplicaSet) => compareText(a.metadata.name, b.metadata.name);
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** The set whose template is the Deployment's; of several, the oldest. */
export function findNewest(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const template = withoutHash(deployment.spec.template);
  return [...sets].sort(byCreation).find((set) => isEqual(withoutHash(set.spec?.template), template));
}

/** Templates are compared without the label that this controller adds. */
export function isSameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return isEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec | undefined {
  if (!template?.metadata?.labels?.[hashLabel]) return template;
  const { [hashLabel]: _, ...labels } = template.metadata.labels;
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** The one set that runs, or the newest when none does; undefined while several do. */
export function findActiveOrLatest({ newest, old }: ReplicaSets): ReplicaSet | undefined {
  const running = active(all({ newest, old }));
  if (running.length === 0) return newest ?? [...old].sort((a, b) => byCreation(b, a))[0];
  return running.length === 1 ? running[0] : undefined;
}

/** The newest set has all its pods, and was last scaled for the number wanted now. */
export function isSaturated(deployment: Deployment, set: ReplicaSet | undefined): boolean {
  const desired = deployment.spec.replicas ?? 1;
  if (!set || annotatedNumber(set, desiredReplicasAnnotation) !== desired) return false;
  return wanted(set) === desired && available(set) === desired;
}
