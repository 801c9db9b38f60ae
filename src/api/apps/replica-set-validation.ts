// ReplicaSet.
import type { ReplicaSet } from '../../../generated/apps-v1.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { isReadableSelector } from '../meta/selectors.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { validateCounts } from './status-validation.ts';
import { validateReplicaTemplate, validateWorkloadSelector } from './template-validation.ts';

const at = path('spec');

export function validateReplicaSet({ spec }: ReplicaSet, errors: FieldErrors): void {
  nonNegative(spec?.replicas, at.child('replicas'), errors);
  nonNegative(spec?.minReadySeconds, at.child('minReadySeconds'), errors);
  validateWorkloadSelector(spec?.selector, 'deployment', at.child('selector'), errors);
  if (!isReadableSelector(spec?.selector))
    errors.invalid(at.child('selector'), spec?.selector, 'invalid label selector');
  else validateReplicaTemplate(spec?.template, spec?.selector, at.child('template'), errors);
}

export function validateReplicaSetUpdate(next: ReplicaSet, current: ReplicaSet, errors: FieldErrors): void {
  checkImmutable(errors, at.child('selector'), next.spec?.selector, current.spec?.selector);
}

const counts = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'observedGeneration',
  'terminatingReplicas',
];

export function validateReplicaSetStatus(next: object | undefined, errors: FieldErrors): void {
  validateCounts(next, counts, ['fullyLabeledReplicas', 'readyReplicas', 'availableReplicas'], errors);
}
