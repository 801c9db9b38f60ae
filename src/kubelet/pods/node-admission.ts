// Whether a pod that was bound here without the scheduler belongs on this node, by what the node and its runtime are.
import type { Node, Pod } from '../../../generated/core-v1.ts';
import { matchesNode } from '../../api/core/node-match.ts';
import { untolerated } from '../../api/core/tolerations.ts';
import type { Rejection } from './admission.ts';
import { isStaticPod } from './pod-ending.ts';
import type { PodServices } from './pod-services.ts';

const osLabel = 'kubernetes.io/os';

/** @throws while the runtime, or the API server, cannot be asked: only where it matters to the pod */
export async function nodeRejectionOf(services: PodServices, pod: Pod): Promise<Rejection | undefined> {
  const os = pod.metadata.labels?.[osLabel];
  if (os !== undefined && os !== 'linux')
    return {
      reason: 'PodOSSelectorNodeLabelDoesNotMatch',
      message: `Failed to admit pod as the \`${osLabel}\` label doesn't match node label`,
    };
  const isStrict = pod.spec.securityContext?.supplementalGroupsPolicy === 'Strict';
  if (isStrict && !(await services.runtime.features()).supplementalGroupsPolicy)
    return {
      reason: 'SupplementalGroupsPolicyNotSupported',
      message: 'SupplementalGroupsPolicy=Strict is not supported in this node',
    };
  const known = services.node?.known();
  const problem = known && placeProblem(pod, known);
  if (!problem || isStaticPod(pod)) return problem;
  // Labels and taints may have changed since.
  const now = await services.node?.now();
  return now && placeProblem(pod, now);
}

function placeProblem(pod: Pod, node: Node): Rejection | undefined {
  if (!matchesNode(pod.spec, node)) return failed('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
  if (isStaticPod(pod)) return undefined;
  if (untolerated(node.spec?.taints ?? [], pod.spec.tolerations ?? [], ['NoExecute']).length === 0) return undefined;
  return failed('TaintToleration', "node(s) had taints that the pod didn't tolerate");
}

const failed = (predicate: string, why: string): Rejection => ({
  reason: predicate,
  message: `Predicate ${predicate} failed: ${why}`,
});
