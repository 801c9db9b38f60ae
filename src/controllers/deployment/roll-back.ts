// Rolling back on request of an annotation, which the first versions of the API had as a field. Later clients set the old
// template themselves.
import type { PodTemplateSpec } from '../../../generated/core-v1.ts';
import { deploymentKind } from '../../../generated/kinds.ts';
import { compareRevisions, parseRevision, revisionOf, rollbackAnnotation } from './annotations.ts';
import { all, hashLabel, isSameTemplate, type ReplicaSets } from './replica-sets.ts';
import type { RolloutContext } from './rollout-context.ts';

/** Puts the template of the revision asked for (0: the one before the last) in place, and takes the request away. */
export async function rollBack(rollout: RolloutContext, sets: ReplicaSets): Promise<void> {
  const { deployment } = rollout;
  const { [rollbackAnnotation]: request, ...annotations } = deployment.metadata.annotations ?? {};
  const revisions = all(sets).sort((a, b) => compareRevisions(b, a));
  const asked = parseRevision(request);
  const target = asked > 0n ? revisions.find((set) => revisionOf(set) === asked) : revisions[1];
  let template = deployment.spec.template;
  if (!target) {
    const message = asked > 0n ? 'Unable to find the revision to rollback to.' : 'Unable to find last revision.';
    rollout.tell('Warning', 'DeploymentRollbackRevisionNotFound', message);
  } else if (isSameTemplate(target.spec?.template, template)) {
    const message = `The rollback revision contains the same template as current deployment "${deployment.metadata.name}"`;
    rollout.tell('Warning', 'DeploymentRollbackTemplateUnchanged', message);
  } else {
    template = withoutHash(target.spec?.template ?? template);
    const message = `Rolled back deployment "${deployment.metadata.name}" to revision ${revisionOf(target)}`;
    rollout.tell('Normal', 'DeploymentRollback', message);
  }
  const metadata = { ...deployment.metadata, annotations };
  await rollout.client
    .resource(deploymentKind)
    .update({ ...deployment, metadata, spec: { ...deployment.spec, template } });
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { [hashLabel]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } as NonNullable<PodTemplateSpec['metadata']> };
}
