// StatefulSet.
import type { StatefulSet, StatefulSetSpec } from '../../../generated/apps-v1.ts';
import type { PodSpec, PodTemplateSpec, Volume } from '../../../generated/core-v1.ts';
import { validatePersistentVolumeClaimSpec } from '../core/persistent-volume-claim-validation.ts';
import { validatePodAnnotations } from '../core/pod-annotations-validation.ts';
import { validatePodTemplate } from '../core/pod-template-validation.ts';
import { isEqual } from '../meta/equality.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { validateLabels } from '../meta/labels.ts';
import { dns1123LabelProblems } from '../meta/names.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { validateAnnotations } from '../meta/object-meta-validation.ts';
import { isReadableSelector } from '../meta/selectors.ts';
import { checkSupported } from '../meta/supported.ts';
import { validateBy } from '../meta/value-validation.ts';
import { validateCollisionCount } from './deployment-validation.ts';
import {
  isEmptySelector,
  validateAlwaysRunning,
  validateTemplateLabels,
  validateWorkloadSelector,
} from './template-validation.ts';

const at = path('spec');

/** `isNew`: what never changes is looked at once. */
export function validateStatefulSet({ spec }: StatefulSet, errors: FieldErrors, isNew: boolean): void {
  if (!spec) return;
  const { podManagementPolicy: policy, persistentVolumeClaimRetentionPolicy: retention } = spec;
  if (!policy) errors.required(at.child('podManagementPolicy'));
  else if (policy !== 'OrderedReady' && policy !== 'Parallel') {
    errors.invalid(at.child('podManagementPolicy'), policy, "must be 'OrderedReady' or 'Parallel'");
  }
  validateStrategy(spec, at.child('updateStrategy'), errors);
  for (const field of ['whenDeleted', 'whenScaled'] as const) {
    const place = at.child('persistentVolumeClaimRetentionPolicy', field);
    checkSupported(errors, place, retention?.[field], ['Retain', 'Delete']);
  }
  if (isNew) {
    spec.volumeClaimTemplates?.forEach((claim, index) => {
      const place = at.child('volumeClaimTemplates').index(index).child('spec');
      validatePersistentVolumeClaimSpec(claim.spec ?? {}, place, errors);
    });
  }
  nonNegative(spec.replicas, at.child('replicas'), errors);
  nonNegative(spec.minReadySeconds, at.child('minReadySeconds'), errors);
  nonNegative(spec.ordinals?.start, at.child('ordinals', 'start'), errors);
  if (isNew && spec.serviceName) {
    validateBy(dns1123LabelProblems, spec.serviceName, at.child('serviceName'), errors);
  }
  validateWorkloadSelector(spec.selector, 'statefulset', at.child('selector'), errors);
  if (!isReadableSelector(spec.selector)) errors.invalid(at.child('selector'), spec.selector, '');
  else validateTemplate(spec, at.child('template'), errors);
  validateAlwaysRunning(spec.template, 'StatefulSet', at.child('template'), errors);
}

function validateStrategy(spec: StatefulSetSpec, place: FieldPath, errors: FieldErrors): void {
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type === 'OnDelete') {
    if (!rollingUpdate) return;
    const shown = goForm('io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy', rollingUpdate);
    errors.invalid(place.child('rollingUpdate'), shown, "only allowed for updateStrategy 'RollingUpdate'");
  } else if (type === 'RollingUpdate') {
    nonNegative(rollingUpdate?.partition, place.child('rollingUpdate', 'partition'), errors);
  } else {
    const shown = goForm('io.k8s.api.apps.v1.StatefulSetUpdateStrategy', spec.updateStrategy);
    errors.invalid(place, shown, "must be 'RollingUpdate' or 'OnDelete'");
  }
}

// Labels and annotations are looked at twice upstream; the errors show it.
function validateTemplate(spec: StatefulSetSpec, place: FieldPath, errors: FieldErrors): void {
  const { selector, template } = spec;
  if (!selector || !isEmptySelector(selector)) validateTemplateLabels(selector, template, place, errors);
  validatePodTemplate(withClaimVolumes(spec), place, errors);
  const { labels, annotations } = template?.metadata ?? {};
  validateLabels(labels, place.child('labels'), errors);
  validateAnnotations(annotations, place.child('annotations'), errors);
  validatePodAnnotations(annotations, template?.spec ?? ({} as PodSpec), place.child('annotations'), errors);
}

/** Containers may mount the claims by name: each pod gets them as volumes. */
function withClaimVolumes({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  const podSpec = template?.spec ?? ({} as PodSpec);
  const names = new Set(volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? ''));
  const claims: Volume[] = [...names].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  const others = (podSpec.volumes ?? []).filter(({ name }) => !names.has(name));
  // Names of its own are set for each pod by the controller.
  const { hostname: _hostname, subdomain: _subdomain, ...rest } = podSpec;
  return { ...template, spec: { ...rest, volumes: [...claims, ...others] } };
}

const mutableFields = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export function validateStatefulSetUpdate(next: StatefulSet, current: StatefulSet, errors: FieldErrors): void {
  const rest = (spec: StatefulSetSpec | undefined): unknown =>
    Object.fromEntries(Object.entries(spec ?? {}).filter(([name]) => !mutableFields.includes(name)));
  if (isEqual(rest(next.spec), rest(current.spec))) return;
  const names = mutableFields.map((name) => `'${name}'`);
  errors.forbidden(
    at,
    `updates to statefulset spec for fields other than ${names.slice(0, -1).join(', ')} and ${names.at(-1)} are forbidden`,
  );
}

const counts = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'] as const;

export function validateStatefulSetStatus(next: StatefulSet, current: StatefulSet, errors: FieldErrors): void {
  const status = next.status ?? { replicas: 0 };
  const place = path('status');
  for (const field of counts) nonNegative(status[field], place.child(field), errors);
  nonNegative(status.observedGeneration, place.child('observedGeneration'), errors);
  validateCollisionCount(status, current.status, errors);
  for (const field of counts) {
    const value = status[field] ?? 0;
    if (value > (status.replicas ?? 0)) {
      errors.invalid(place.child(field), value, 'cannot be greater than status.replicas');
    }
  }
  const { availableReplicas = 0, readyReplicas = 0 } = status;
  if (availableReplicas > readyReplicas) {
    const message = 'cannot be greater than status.readyReplicas';
    errors.invalid(place.child('availableReplicas'), availableReplicas, message);
  }
}
