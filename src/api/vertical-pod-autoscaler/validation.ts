// What upstream's webhook for VerticalPodAutoscalers refuses beyond their schema: in its words.
import { quantityOf } from '../meta/quantity.ts';
import type { ContainerPolicy, ResourceList, VerticalPodAutoscaler } from './types.ts';

const modes: readonly string[] = ['Off', 'Initial', 'Recreate', 'InPlaceOrRecreate', 'Auto'];

export function vpaProblem({ spec }: VerticalPodAutoscaler, isCreate: boolean): string | undefined {
  const { updatePolicy, resourcePolicy, recommenders = [] } = spec;
  if (updatePolicy) {
    const { updateMode, minReplicas } = updatePolicy;
    if (updateMode === undefined) return 'updateMode is required if UpdatePolicy is used';
    if (!modes.includes(updateMode)) return `unexpected UpdateMode value ${updateMode}`;
    if (minReplicas !== undefined && minReplicas <= 0) return `minReplicas has to be positive, got ${minReplicas}`;
  }
  for (const policy of resourcePolicy?.containerPolicies ?? []) {
    const problem = policyProblem(policy);
    if (problem) return problem;
  }
  if (isCreate && !spec.targetRef)
    return "targetRef is required. If you're using v1beta1 version of the API, please migrate to v1";
  if (recommenders.length > 1) return "the current version of VPA object shouldn't specify more than one recommenders";
  return undefined;
}

function policyProblem(policy: ContainerPolicy): string | undefined {
  const { containerName, mode, minAllowed = {}, maxAllowed = {}, controlledValues } = policy;
  if (!containerName) return 'containerPolicies.ContainerName is required';
  const coarse = resolutionProblem('minAllowed', minAllowed);
  if (coarse) return coarse;
  for (const [resource, least] of Object.entries(minAllowed)) {
    const most = maxAllowed[resource];
    if (most !== undefined && quantityOf(most).compare(quantityOf(least)) < 0)
      return `max resource for ${resource} is lower than min`;
  }
  const fine = resolutionProblem('maxAllowed', maxAllowed);
  if (fine) return fine;
  if (mode === 'Off' && controlledValues === 'RequestsAndLimits')
    return "controlledValues shouldn't be specified if container scaling mode is off";
  return undefined;
}

function resolutionProblem(field: string, values: ResourceList): string | undefined {
  for (const [resource, text] of Object.entries(values)) {
    const quantity = quantityOf(text);
    if (resource === 'cpu' && quantity.nanos % 1_000_000n !== 0n)
      return `${field}: CPU [${quantity}] must be a whole number of milli CPUs`;
    if (resource === 'memory' && !quantity.isWhole)
      return `${field}: memory [${quantity}] must be a whole number of bytes`;
  }
  return undefined;
}
