// Finds or makes the ReplicaSet of the current template, and keeps revisions in order.
import type { Deployment, ReplicaSet } from '../../../generated/apps-v1.ts';
import { deploymentKind, replicaSetKind } from '../../../generated/kinds.ts';
import { findCondition } from '../../api/meta/conditions.ts';
import { isEqual } from '../../api/meta/equality.ts';
import { controllerReference, isControlledBy } from '../../api/meta/owner-references.ts';
import { isAlreadyExists } from '../../api/meta/status-error.ts';
import { isNamespaceEnding } from '../../reconcile/namespace-ending.ts';
import { templateHash } from '../shared/template-hash.ts';
import { lastRevision, newSetAnnotations, replicasAnnotations, revisionAnnotation } from './annotations.ts';
import { newestSetSize } from './plan-scaling.ts';
import { condition, hasDeadline, withDeploymentCondition } from './plan-status.ts';
import { hashLabel, isSameTemplate } from './replica-sets.ts';
import type { RolloutContext } from './rollout-context.ts';

/** The newest set, brought up to date; made when it is missing and `mayCreate`. */
export async function ensureNewest(
  rollout: RolloutContext,
  known: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  mayCreate: boolean,
): Promise<ReplicaSet | undefined> {
  const revision = lastRevision(old) + 1n;
  if (known) return refresh(rollout, known, revision);
  return mayCreate ? create(rollout, old, revision) : undefined;
}

async function refresh(rollout: RolloutContext, known: ReplicaSet, revision: bigint): Promise<ReplicaSet> {
  const { deployment } = rollout;
  const annotations = newSetAnnotations(deployment, known.metadata.annotations, revision);
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  const isCurrent = minReadySeconds === (known.spec?.minReadySeconds ?? 0);
  if (!isCurrent || !isEqual(annotations, known.metadata.annotations)) {
    const spec = { ...known.spec!, minReadySeconds };
    const next = { ...known, metadata: { ...known.metadata, annotations }, spec };
    return rollout.wrote(await rollout.client.resource(replicaSetKind).update(next));
  }
  const progress = findCondition(deployment.status?.conditions, 'Progressing');
  const found =
    hasDeadline(deployment) && !progress
      ? condition(
          'Progressing',
          'True',
          'FoundNewReplicaSet',
          `Found new replica set "${known.metadata.name}"`,
          rollout.nowMs,
        )
      : undefined;
  await noteRevision(rollout, annotations[revisionAnnotation], found);
  return known;
}

async function create(rollout: RolloutContext, old: readonly ReplicaSet[], revision: bigint): Promise<ReplicaSet> {
  const { deployment } = rollout;
  const draft = draftSet(deployment, old, revision);
  let set: ReplicaSet;
  let isNew = true;
  try {
    set = rollout.wrote(await rollout.client.resource(replicaSetKind).create(draft));
  } catch (error) {
    if (!isAlreadyExists(error)) throw await noteFailure(rollout, draft.metadata.name, error);
    set = await takeExisting(rollout, draft, error);
    isNew = false;
  }
  const count = set.spec?.replicas ?? 0;
  if (isNew && count > 0) {
    rollout.tell('Normal', 'ScalingReplicaSet', `Scaled up replica set ${set.metadata.name} from 0 to ${count}`);
  }
  const message = `Created new replica set "${set.metadata.name}"`;
  const created =
    isNew && hasDeadline(deployment)
      ? condition('Progressing', 'True', 'NewReplicaSetCreated', message, rollout.nowMs)
      : undefined;
  await noteRevision(rollout, `${revision}`, created);
  return set;
}

function draftSet(deployment: Deployment, old: readonly ReplicaSet[], revision: bigint): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [hashLabel]: hash };
  const annotations = { ...newSetAnnotations(deployment, undefined, revision), ...replicasAnnotations(deployment) };
  return {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace ?? '',
      labels,
      annotations,
      ownerReferences: [controllerReference(deployment, deploymentKind)],
    },
    spec: {
      replicas: newestSetSize(deployment, old, 0),
      ...(minReadySeconds ? { minReadySeconds } : {}),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } as typeof template.metadata & object },
    },
  } as ReplicaSet;
}

/** The name is taken: by our own set that the cache has not shown yet, or by a collision, which is counted. */
async function takeExisting(rollout: RolloutContext, draft: ReplicaSet, error: unknown): Promise<ReplicaSet> {
  const { deployment } = rollout;
  const { namespace = '', name } = draft.metadata;
  const existing = await rollout.client.resource(replicaSetKind).get({ namespace, name });
  const isOurs =
    isControlledBy(existing, deployment) && isSameTemplate(existing.spec?.template, deployment.spec.template);
  if (isOurs) return rollout.wrote(existing);
  const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
  await rollout.writeStatus({ ...deployment.status, collisionCount });
  throw error;
}

/** Says on the Deployment that its set could not be made. Gives the error back. */
async function noteFailure(rollout: RolloutContext, name: string, error: unknown): Promise<unknown> {
  const { deployment } = rollout;
  if (isNamespaceEnding(error)) return error;
  const message = `Failed to create new replica set "${name}": ${(error as Error).message}`;
  rollout.tell('Warning', 'ReplicaSetCreateError', message);
  if (!hasDeadline(deployment)) return error;
  const failed = condition('Progressing', 'False', 'ReplicaSetCreateError', message, rollout.nowMs);
  const conditions = withDeploymentCondition(deployment.status?.conditions, failed);
  // The failure itself matters more than that it could not be noted.
  await rollout.writeStatus({ ...deployment.status, conditions }).catch(() => {});
  return error;
}

/** The Deployment carries the revision of its newest set, and the condition given, if any. */
async function noteRevision(
  rollout: RolloutContext,
  revision: string | undefined,
  progress: ReturnType<typeof condition> | undefined,
): Promise<void> {
  const { deployment } = rollout;
  const current = deployment.metadata.annotations?.[revisionAnnotation];
  if (!progress && (revision === undefined || current === revision)) return;
  const annotations = { ...deployment.metadata.annotations, [revisionAnnotation]: revision ?? '' };
  const conditions = progress
    ? withDeploymentCondition(deployment.status?.conditions, progress)
    : deployment.status?.conditions;
  await rollout.writeStatus({ ...deployment.status, ...(conditions ? { conditions } : {}) }, annotations);
}
