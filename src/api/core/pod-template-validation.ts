// Pod templates, in every kind that makes pods.
import type { PodSpec, PodTemplateSpec } from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { validateLabels } from '../meta/labels.ts';
import { validateAnnotations } from '../meta/object-meta-validation.ts';
import { validatePodAnnotations } from './pod-annotations-validation.ts';
import { validatePodSpec } from './pod-spec-validation.ts';

export function validatePodTemplate(template: PodTemplateSpec | undefined, at: FieldPath, errors: FieldErrors): void {
  const spec = template?.spec ?? ({} as PodSpec);
  const { labels, annotations } = template?.metadata ?? {};
  validateLabels(labels, at.child('labels'), errors);
  validateAnnotations(annotations, at.child('annotations'), errors);
  validatePodAnnotations(annotations, spec, at.child('annotations'), errors);
  validatePodSpec(spec, at.child('spec'), errors);
  if (spec.ephemeralContainers?.length) {
    errors.forbidden(at.child('spec', 'ephemeralContainers'), 'ephemeral containers not allowed in pod template');
  }
}
