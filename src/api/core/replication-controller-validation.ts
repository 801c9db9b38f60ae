// ReplicationController.
import type { ReplicationController } from '../../../generated/core-v1.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { hasLabels } from '../meta/labels.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { validatePodTemplate } from './pod-template-validation.ts';

const at = path('spec');

export function validateReplicationController({ spec = {} }: ReplicationController, errors: FieldErrors): void {
  const { selector, template } = spec;
  nonNegative(spec.minReadySeconds, at.child('minReadySeconds'), errors);
  if (!Object.keys(selector ?? {}).length) errors.required(at.child('selector'));
  nonNegative(spec.replicas, at.child('replicas'), errors);
  const place = at.child('template');
  if (!template) {
    errors.required(place);
    return;
  }
  if (!hasLabels(template.metadata?.labels, selector)) {
    errors.invalid(
      place.child('metadata', 'labels'),
      template.metadata?.labels ?? null,
      '`selector` does not match template `labels`',
    );
  }
  validatePodTemplate(template, place, errors);
  const { restartPolicy, activeDeadlineSeconds } = template.spec ?? {};
  if (restartPolicy !== 'Always') {
    errors.notSupported(place.child('spec', 'restartPolicy'), restartPolicy ?? '', ['Always']);
  }
  if (activeDeadlineSeconds !== undefined) {
    errors.forbidden(
      place.child('spec', 'activeDeadlineSeconds'),
      'activeDeadlineSeconds in ReplicationController is not Supported',
    );
  }
}
