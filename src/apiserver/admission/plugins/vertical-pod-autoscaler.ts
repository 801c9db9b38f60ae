// New pods ask for what their VerticalPodAutoscaler recommends. Without its definition there is nothing to look at.
import type { Container, Pod } from '../../../../generated/core-v1.ts';
import {
  jobKind,
  limitRangeKind,
  mutatingWebhookConfigurationKind,
  podKind,
  replicaSetKind,
} from '../../../../generated/kinds.ts';
import type { KindRef } from '../../../api/meta/object.ts';
import { controllerOf } from '../../../api/meta/owner-references.ts';
import {
  type ContainerResources,
  namespaceBounds,
  podResources,
} from '../../../api/vertical-pod-autoscaler/pod-resources.ts';
import { isStronger, updateModeOf } from '../../../api/vertical-pod-autoscaler/policy.ts';
import {
  foreignWebhookSuffix,
  type VerticalPodAutoscaler,
  verticalPodAutoscalerKind,
} from '../../../api/vertical-pod-autoscaler/types.ts';
import { vpaProblem } from '../../../api/vertical-pod-autoscaler/validation.ts';
import type { AdmissionContext, AdmissionPlugin, AdmissionRequest } from '../plugin.ts';
import { isAbout, refuse } from '../refuse.ts';

/** Makers of pods that others make in turn. */
const between: Readonly<Record<string, KindRef<any>>> = { ReplicaSet: replicaSetKind, Job: jobKind };

export const verticalPodAutoscaler: AdmissionPlugin = {
  name: 'VerticalPodAutoscaler',
  admit(request, context) {
    if (isAbout(request, podKind)) {
      if (request.operation === 'CREATE') admitPod(request, context);
    } else if (isAbout(request, verticalPodAutoscalerKind)) admitAutoscaler(request, context);
  },
};

/** The API may be served by a definition of somebody else, whose own webhook then does all this. */
function isOurs({ objects, table }: AdmissionContext): boolean {
  const { group, version, plural } = verticalPodAutoscalerKind;
  const resource = table.find(group, version, plural);
  if (resource?.storage.version !== version) return false;
  return !objects
    .list(mutatingWebhookConfigurationKind)
    .some(({ metadata }) => metadata.name.endsWith(foreignWebhookSuffix));
}

function admitAutoscaler(request: AdmissionRequest, context: AdmissionContext): void {
  if (!['CREATE', 'UPDATE'].includes(request.operation) || !isOurs(context)) return;
  const vpa = request.object as VerticalPodAutoscaler;
  const problem = vpaProblem(vpa, request.operation === 'CREATE');
  if (problem) throw refuse(request, problem);
  const { updateMode } = vpa.spec.updatePolicy ?? {};
  if (updateMode === 'Auto')
    request.warn(
      'UpdateMode "Auto" is deprecated and will be removed in a future API version. Use explicit update modes like "Recreate", "Initial", or "InPlaceOrRecreate" instead. See https://github.com/kubernetes/autoscaler/issues/8424 for more details.',
    );
  if (!vpa.spec.updatePolicy) Object.assign(vpa.spec, { updatePolicy: { updateMode: 'Recreate' } });
}

function admitPod(request: AdmissionRequest, context: AdmissionContext): void {
  const pod = request.object as Pod;
  if (!controllerOf(pod) || !isOurs(context)) return;
  const { objects } = context;
  const vpa = controlling(pod, request.namespace, context);
  if (!vpa) return;
  const bounds = namespaceBounds(objects.list(limitRangeKind, request.namespace));
  const containers = podResources(vpa, pod, bounds);
  for (const each of containers) apply(pod.spec.containers[each.index]!, each);
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    vpaUpdates: `Pod resources updated by ${vpa.metadata.name}: ${containers.map(describe).join('; ')}`,
    vpaObservedContainers: pod.spec.containers.map(({ name }) => name).join(', '),
  };
}

function apply(container: Container, { requests, limits }: ContainerResources): void {
  const changes = Object.entries({ requests, limits }).filter(([, amounts]) => Object.keys(amounts).length > 0);
  if (changes.length === 0) return;
  const resources: Record<string, unknown> = { ...container.resources };
  for (const [part, amounts] of changes) resources[part] = { ...(resources[part] as object), ...amounts };
  container.resources = resources;
}

function describe({ index, requests, limits, notes }: ContainerResources): string {
  const said = [
    ...notes,
    ...Object.keys(requests).map((resource) => `${resource} request`),
    ...Object.keys(limits).map((resource) => `${resource} limit`),
  ];
  return `container ${index}: ${said.join(', ')}`;
}

/** The oldest autoscaler whose target made the pod, itself or through others. */
function controlling(pod: Pod, namespace: string, { objects }: AdmissionContext): VerticalPodAutoscaler | undefined {
  let found: VerticalPodAutoscaler | undefined;
  let makers: readonly string[] | undefined;
  for (const vpa of objects.list(verticalPodAutoscalerKind, namespace)) {
    if (updateModeOf(vpa) === 'Off') continue;
    const { kind, name } = vpa.spec.targetRef ?? {};
    makers ??= makersOf(pod, namespace, objects);
    // Of several makers the last is what an autoscaler may be about.
    if (makers.at(-1) === `${kind}/${name}` && isStronger(vpa, found)) found = vpa;
  }
  return found;
}

function makersOf(pod: Pod, namespace: string, objects: AdmissionContext['objects']): string[] {
  const makers: string[] = [];
  for (let owner = controllerOf(pod); owner; ) {
    const name = `${owner.kind}/${owner.name}`;
    if (makers.includes(name)) break;
    makers.push(name);
    const kind = between[owner.kind];
    const object = kind && objects.find(kind, namespace, owner.name);
    owner = object && controllerOf(object);
  }
  return makers;
}
