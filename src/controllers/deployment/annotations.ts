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

/** The revision of a Deployment or ReplicaSet; 0 when it has none or one that is no number. May be any of 64 bits. */
export function revisionOf(object: Deployment | ReplicaSet): bigint {
  return parseRevision(object.metadata.annotations?.[revisionAnnotation]);
}

export function parseRevision(text: string | undefined): bigint {
  return text !== undefined && /^[+-]?[0-9]{1,19}$/.test(text) ? BigInt.asIntN(64, BigInt(text.replace('+', ''))) : 0n;
}

/** The highest; 0 of none. */
export function lastRevision(objects: readonly (Deployment | ReplicaSet)[]): bigint {
  return objects.map(revisionOf).sort((a, b) => (a < b ? 1 : -1))[0] ?? 0n;
}

/** Sorts by revision, lowest first. */
export function compareRevisions(a: Deployment | ReplicaSet, b: Deployment | ReplicaSet): -1 | 0 | 1 {
  const [one, other] = [revisionOf(a), revisionOf(b)];
  return one < other ? -1 : one > other ? 1 : 0;
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
  revision: bigint,
): Annotations {
  const next: Annotations = { ...current };
  for (const [name, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!notCopied.has(name)) next[name] = value;
  }
  const old = parseRevision(current?.[revisionAnnotation]);
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
