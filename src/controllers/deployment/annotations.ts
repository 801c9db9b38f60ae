// What Deployments and their ReplicaSets say to each other in annotations.
import type { Deployment, ReplicaSet } from '../../../generated/apps-v1.ts';
import { maxSurgeOf } from './fenceposts.ts';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const desiredReplicasAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxReplicasAnnotation = 'deployment.kubernetes.io/max-replicas';
export const rollbackAnnotation = 'deprecated.deployment.rollback.to';
const revisionHistoryAnnotation = 'deployment.kubernetes.io/revision-history';

const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  rollbackAnnotation,
]);
const maxHistoryLength = 2000;

type Annotations = Record<string, string>;

/** The revision of a Deployment or ReplicaSet; 0 when it has none or one that is no number. */
export function revisionOf(object: Deployment | ReplicaSet): number {
  const revision = Number(object.metadata.annotations?.[revisionAnnotation] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** A number kept in an annotation; undefined when it is missing or not one. */
export function annotatedNumber(object: ReplicaSet, annotation: string): number | undefined {
  const text = object.metadata.annotations?.[annotation];
  return text !== undefined && /^-?[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
}

/** How many the Deployment wants, and how many pods there may be meanwhile: for proportional scaling later. */
export function replicasAnnotations(deployment: Deployment): Annotations {
  const desired = deployment.spec.replicas ?? 1;
  return {
    [desiredReplicasAnnotation]: `${desired}`,
    [maxReplicasAnnotation]: `${desired + maxSurgeOf(deployment)}`,
  };
}

/** The annotations the newest set should have: the Deployment's own, and its place in history. */
export function newSetAnnotations(
  deployment: Deployment,
  current: Annotations | undefined,
  revision: number,
): Annotations {
  const next: Annotations = { ...current };
  for (const [name, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!notCopied.has(name)) next[name] = value;
  }
  const old = Number(current?.[revisionAnnotation] ?? 0);
  if (!(old < revision)) return next;
  next[revisionAnnotation] = `${revision}`;
  if (current?.[revisionAnnotation]) next[revisionHistoryAnnotation] = lengthened(current, `${old}`);
  return next;
}

/** Revisions this set had before, as many as fit. */
function lengthened(current: Annotations, revision: string): string {
  const history = current[revisionHistoryAnnotation]?.split(',') ?? [];
  history.push(revision);
  while (history.length > 1 && history.join(',').length > maxHistoryLength) history.shift();
  return history.join(',');
}
