// What the server fills in when a pod is stored: selectors from label keys, profiles from annotations, first conditions.
import type { AppArmorProfile, Container, Pod, PodAffinityTerm, PodSpec } from '../../../generated/core-v1.ts';
import type { LabelSelector, LabelSelectorRequirement } from '../../../generated/meta-v1.ts';
import { isEqual } from '../meta/equality.ts';
import { timeText } from '../meta/time.ts';
import { appArmorPrefix } from './pod-annotations-validation.ts';
import { copyServiceAccount } from './pod-defaults.ts';
import { qosClassOf } from './pod-qos.ts';

export function preparePod(pod: Pod, nowMs: number): void {
  const spec = pod.spec!;
  pod.metadata.generation = 1;
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

/** Pods whose profile came from the annotation that fields have replaced: their owners are told. */
const hasOldProfile = new WeakMap<Pod, string[]>();

export const oldProfileKeys = (pod: Pod): readonly string[] => hasOldProfile.get(pod) ?? [];

// Field and annotation say the same in the end, whichever the client used.
function copyAppArmorProfiles(pod: Pod): void {
  const spec = pod.spec!;
  if (spec.os?.name === 'windows') return;
  const ofPod = spec.securityContext?.appArmorProfile;
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) {
    const key = `${appArmorPrefix}${container.name}`;
    const annotation = pod.metadata.annotations?.[key];
    const own = container.securityContext?.appArmorProfile;
    if (annotation === undefined) {
      const text = annotationOf(own ?? ofPod);
      if (text) pod.metadata.annotations = { ...pod.metadata.annotations, [key]: text };
    } else if (!own && copyToField(container, annotation, ofPod)) {
      hasOldProfile.set(pod, [...oldProfileKeys(pod), key]);
    }
  }
}

/** Gives whether the client should be told to use the field. */
function copyToField(container: Container, annotation: string, ofPod: AppArmorProfile | undefined): boolean {
  const profile = profileOf(annotation);
  if (!profile) return true;
  if (isEqual(profile, ofPod)) return false;
  container.securityContext = { ...container.securityContext, appArmorProfile: profile };
  return true;
}

function annotationOf(profile: AppArmorProfile | undefined): string | undefined {
  if (profile?.type === 'RuntimeDefault') return 'runtime/default';
  if (profile?.type === 'Unconfined') return 'unconfined';
  return profile?.type === 'Localhost' && profile.localhostProfile
    ? `localhost/${profile.localhostProfile}`
    : undefined;
}

function profileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  const name = annotation.startsWith('localhost/') ? annotation.slice('localhost/'.length) : '';
  return name ? { type: 'Localhost', localhostProfile: name } : undefined;
}
