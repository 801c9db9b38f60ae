// Pods as such: what templates need not keep.
import type { Container, Pod } from '../../../generated/core-v1.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { validatePodAnnotations } from './pod-annotations-validation.ts';
import { validatePodSpec } from './pod-spec-validation.ts';

const specAt = path('spec');

/** On create and on update. */
export function validatePod(pod: Pod, errors: FieldErrors): void {
  const spec = pod.spec!;
  validatePodAnnotations(pod.metadata.annotations, spec, path('metadata', 'annotations'), errors);
  validatePodSpec(spec, specAt, errors, pod.metadata.name ?? '');
  if (!spec.serviceAccountName) forbidTokens(pod, errors);
  for (const list of ['containers', 'initContainers'] as const) {
    spec[list]?.forEach(({ image }: Container, index) => {
      if (image === undefined || image === image.trim()) return;
      errors.invalid(
        specAt.child(list).index(index).child('image'),
        image,
        'must not have leading or trailing whitespace',
      );
    });
  }
}

function forbidTokens(pod: Pod, errors: FieldErrors): void {
  pod.spec?.volumes?.forEach(({ projected }, index) => {
    projected?.sources?.forEach(({ serviceAccountToken }, position) => {
      if (!serviceAccountToken) return;
      const place = specAt.child('volumes').index(index).child('projected', 'sources').index(position);
      errors.forbidden(place.child('serviceAccountToken'), 'must not be specified when serviceAccountName is not set');
    });
  });
}

/** On create only: a pod that was never stored has no uid check to fail, but must not start half-way. */
export function validateNewPod(pod: Pod, errors: FieldErrors): void {
  const { ephemeralContainers, nodeName, schedulingGates } = pod.spec!;
  if (ephemeralContainers?.length) errors.forbidden(specAt.child('ephemeralContainers'), 'cannot be set on create');
  if (nodeName && schedulingGates?.length) {
    errors.forbidden(specAt.child('nodeName'), 'cannot be set until all schedulingGates have been cleared');
  }
}
