import type { Job, PodFailurePolicyRule } from '../../../generated/batch-v1.ts';
import type { ContainerStatus, Pod } from '../../../generated/core-v1.ts';

/** What a Job's policy says about a failed pod. */
export interface FailureVerdict {
  readonly counts: boolean;
  readonly failsJob?: string;
  readonly failsIndex?: boolean;
}

/** The first rule that matches decides; without one a failure counts. */
export function judgeFailure(job: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (job.spec.podFailurePolicy?.rules ?? []).entries()) {
    const match = matchOf(rule, pod);
    if (!match) continue;
    if (rule.action === 'Ignore') return { counts: false };
    if (rule.action === 'FailIndex' && job.spec.backoffLimitPerIndex !== undefined)
      return { counts: true, failsIndex: true };
    if (rule.action === 'FailJob')
      return { counts: true, failsJob: `${match} matching FailJob rule at index ${index}` };
    return { counts: true };
  }
  return { counts: true };
}

/** How the pod fell under the rule, in words. */
function matchOf(rule: PodFailurePolicyRule, pod: Pod): string | undefined {
  const { namespace, name } = pod.metadata;
  if (rule.onExitCodes) {
    const { containerName, operator, values } = rule.onExitCodes;
    const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
    for (const status of statuses) {
      const exitCode = exitCodeOf(status);
      if (!exitCode || (containerName && containerName !== status.name)) continue;
      if (values.includes(exitCode) !== (operator === 'In')) continue;
      return `Container ${status.name} for pod ${namespace}/${name} failed with exit code ${exitCode}`;
    }
    return undefined;
  }
  for (const { type, status = 'True' } of rule.onPodConditions ?? []) {
    const condition = pod.status?.conditions?.find((each) => each.type === type && each.status === status);
    if (condition) return `Pod ${namespace}/${name} has condition ${type}`;
  }
  return undefined;
}

const exitCodeOf = (status: ContainerStatus) => status.state?.terminated?.exitCode;
