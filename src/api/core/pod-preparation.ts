// What the server fills in when a pod is stored: selectors from label keys, profiles from annotations, first conditions.
import type { AppArmorProfile, Pod, PodAffinityTerm, PodSpec } from '../../../generated/core-v1.ts';
import type { LabelSelector, LabelSelectorRequirement } from '../../../generated/meta-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { timeText } from '../meta/time.ts';
import { dropGatedPodFields } from './gated-pod-fields.ts';
import { appArmorPrefix } from './pod-annotations-validation.ts';
import { copyServiceAccount } from './pod-defaults.ts';
import { qosClassOf } from './pod-qos.ts';

export function preparePod(pod: Pod, nowMs: number): void {
  const spec = pod.spec!;
  pod.metadata.generation = 1;
  dropGatedPodFields(spec);
  pod.status = { phase: 'Pending', qosClass: qosClassOf(spec) };
  copyServiceAccount(spec);
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) spec.terminationGracePeriodSeconds = 1;
  if (spec.schedulingGates?.length) pod.status.conditions = [gatedCondition(nowMs)] as never;
  mergeLabelKeys(spec, pod.metadata.labels ?? {});
  copyAppArmorProfiles(pod);
}

const gatedCondition = (nowMs: number): unknown => ({
  type: 'PodScheduled',
  status: 'False',
  lastProbeTime: null,
  lastTransitionTime: timeText(nowMs),
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
});

/** Values of the keys named by `matchLabelKeys` are taken from the pod, once and for all. */
function mergeLabelKeys(spec: PodSpec, labels: Readonly<Record<string, string>>): void {
  for (const constraint of spec.topologySpreadConstraints ?? []) {
    addRequirements(constraint.labelSelector, constraint.matchLabelKeys, 'In', labels);
  }
  const { podAffinity, podAntiAffinity } = spec.affinity ?? {};
  for (const terms of [podAffinity, podAntiAffinity]) {
    for (const term of terms?.requiredDuringSchedulingIgnoredDuringExecution ?? []) mergeTermKeys(term, labels);
    for (const { podAffinityTerm } of terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
      mergeTermKeys(podAffinityTerm, labels);
    }
  }
}

function mergeTermKeys(term: PodAffinityTerm, labels: Readonly<Record<string, string>>): void {
  addRequirements(term.labelSelector, term.matchLabelKeys, 'In', labels);
  addRequirements(term.labelSelector, term.mismatchLabelKeys, 'NotIn', labels);
}

function addRequirements(
  selector: LabelSelector | undefined,
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  labels: Readonly<Record<string, string>>,
): void {
  if (!selector) return;
  for (const key of keys ?? []) {
    const value = labels[key];
    if (value === undefined) continue;
    const requirement: LabelSelectorRequirement = { key, operator, values: [value] };
    selector.matchExpressions = [...(selector.matchExpressions ?? []), requirement];
  }
}

// Annotations were how profiles were named before there was a field; the field is filled from them.
function copyAppArmorProfiles(pod: Pod): void {
  const spec = pod.spec!;
  if (spec.os?.name === 'windows' || !pod.metadata.annotations) return;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    const profile = appArmorProfileOf(pod.metadata.annotations[`${appArmorPrefix}${container.name}`]);
    if (!profile || container.securityContext?.appArmorProfile) continue;
    if (isEqual(profile, spec.securityContext?.appArmorProfile)) continue;
    container.securityContext = { ...container.securityContext, appArmorProfile: profile };
  }
}

/** The profile that the value of an annotation names; undefined for none and for one that is wrong. */
export function appArmorProfileOf(annotation: string | undefined): AppArmorProfile | undefined {
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  const name = annotation?.startsWith('localhost/') ? annotation.slice('localhost/'.length) : '';
  return name ? { type: 'Localhost', localhostProfile: name } : undefined;
}
