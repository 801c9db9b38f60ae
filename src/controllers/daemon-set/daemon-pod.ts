import type { DaemonSet } from '../../../generated/apps-v1.ts';
import type { Node, Pod, PodSpec, Toleration } from '../../../generated/core-v1.ts';
import { daemonSetKind } from '../../../generated/kinds.ts';
import { matchesNode } from '../../api/core/node-match.ts';
import { untolerated } from '../../api/core/tolerations.ts';
import { controllerReference } from '../../api/meta/owner-references.ts';
import type { NewObject } from '../../client/client.ts';
import { revisionHashLabel } from '../revisions/history.ts';
import { podFromTemplate } from '../shared/pod-control.ts';

export const templateGenerationAnnotation = 'deprecated.daemonset.template.generation';
export const templateGenerationLabel = 'pod-template-generation';

/** What a node has to bear: daemons are there to mend it. */
const always: readonly (readonly [key: string, effect: NonNullable<Toleration['effect']>])[] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
];

export function daemonTolerations(spec: PodSpec | undefined): Toleration[] {
  const tolerations = [...(spec?.tolerations ?? [])];
  const added = spec?.hostNetwork
    ? [...always, ['node.kubernetes.io/network-unavailable', 'NoSchedule'] as const]
    : always;
  for (const [key, effect] of added) {
    const isThere = tolerations.some(
      (each) => each.key === key && each.effect === effect && each.operator === 'Exists',
    );
    if (!isThere) tolerations.push({ key, operator: 'Exists', effect });
  }
  return tolerations;
}

export interface Placement {
  readonly shouldRun: boolean;
  /** What runs there already may stay. */
  readonly mayStay: boolean;
}

export function placementOn(set: DaemonSet, node: Node): Placement {
  const spec = set.spec.template.spec;
  const isAsked = (!spec?.nodeName || spec.nodeName === node.metadata.name) && matchesNode(spec, node);
  if (!isAsked) return { shouldRun: false, mayStay: false };
  const taints = node.spec?.taints ?? [];
  const tolerations = daemonTolerations(spec);
  return {
    shouldRun: untolerated(taints, tolerations, ['NoSchedule', 'NoExecute']).length === 0,
    mayStay: untolerated(taints, tolerations, ['NoExecute']).length === 0,
  };
}

/** A daemon for one node. The scheduler binds it: the affinity leaves it no choice. */
export function daemonPod(set: DaemonSet, node: string, hash: string): NewObject<Pod> {
  const pod = podFromTemplate(set.spec.template, set.metadata.name, controllerReference(set, daemonSetKind));
  const generation = set.metadata.annotations?.[templateGenerationAnnotation];
  const { spec } = pod;
  const matchFields = [{ key: 'metadata.name', operator: 'In' as const, values: [node] }];
  const required = { nodeSelectorTerms: [{ matchFields }] };
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: {
        ...pod.metadata.labels,
        [revisionHashLabel]: hash,
        ...(generation ? { [templateGenerationLabel]: generation } : {}),
      },
    },
    spec: {
      ...spec!,
      affinity: {
        ...spec?.affinity,
        nodeAffinity: { ...spec?.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required },
      },
      tolerations: daemonTolerations(spec),
    },
  };
}

/** The node a daemon is for: where it is bound, or where its affinity sends it. */
export function nodeOfDaemon(pod: Pod): string {
  if (pod.spec?.nodeName) return pod.spec.nodeName;
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const field = required?.nodeSelectorTerms[0]?.matchFields?.find(({ key }) => key === 'metadata.name');
  return field?.values?.[0] ?? '';
}
