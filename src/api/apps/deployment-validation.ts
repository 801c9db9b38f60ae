// Deployment: what a rollout must be able to do.
import type { Deployment, DeploymentStrategy } from '../../../generated/apps-v1.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { type IntOrString, intOrPercent, percentOf } from '../meta/int-or-string.ts';
import { percentProblems } from '../meta/names.ts';
import { nonNegative, nonNegativeMessage } from '../meta/number-validation.ts';
import { isReadableSelector } from '../meta/selectors.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { validateCounts } from './status-validation.ts';
import { validateReplicaTemplate, validateWorkloadSelector } from './template-validation.ts';

const at = path('spec');

export function validateDeployment({ spec }: Deployment, errors: FieldErrors): void {
  nonNegative(spec?.replicas, at.child('replicas'), errors);
  validateWorkloadSelector(spec?.selector, 'deployment', at.child('selector'), errors);
  if (!isReadableSelector(spec?.selector)) {
    errors.invalid(at.child('selector'), spec?.selector, 'invalid label selector');
  } else validateReplicaTemplate(spec?.template, spec?.selector, at.child('template'), errors);
  validateStrategy(spec?.strategy ?? {}, at.child('strategy'), errors);
  nonNegative(spec?.minReadySeconds, at.child('minReadySeconds'), errors);
  nonNegative(spec?.revisionHistoryLimit, at.child('revisionHistoryLimit'), errors);
  const deadline = spec?.progressDeadlineSeconds;
  if (deadline === undefined) return;
  nonNegative(deadline, at.child('progressDeadlineSeconds'), errors);
  if (deadline <= (spec?.minReadySeconds ?? 0)) {
    errors.invalid(at.child('progressDeadlineSeconds'), deadline, 'must be greater than minReadySeconds');
  }
}

function validateStrategy(strategy: DeploymentStrategy, place: FieldPath, errors: FieldErrors): void {
  const { type, rollingUpdate } = strategy;
  if (type === 'Recreate') {
    if (rollingUpdate) {
      errors.forbidden(place.child('rollingUpdate'), "may not be specified when strategy `type` is 'Recreate'");
    }
  } else if (type !== 'RollingUpdate') {
    const shown = goForm('io.k8s.api.apps.v1.DeploymentStrategy', strategy);
    errors.notSupported(place, shown, ['Recreate', 'RollingUpdate']);
  } else if (!rollingUpdate) {
    errors.required(place.child('rollingUpdate'), 'this should be defaulted and never be nil');
  } else {
    const { maxUnavailable = 0, maxSurge = 0 } = rollingUpdate;
    const rolling = place.child('rollingUpdate');
    validateIntOrPercent(maxUnavailable, rolling.child('maxUnavailable'), errors);
    validateIntOrPercent(maxSurge, rolling.child('maxSurge'), errors);
    if (intOrPercent(maxUnavailable) === 0 && intOrPercent(maxSurge) === 0) {
      errors.invalid(rolling.child('maxUnavailable'), maxUnavailable, 'may not be 0 when `maxSurge` is 0');
    }
    atMostAllPercent(maxUnavailable, rolling.child('maxUnavailable'), errors);
  }
}

export function validateIntOrPercent(value: IntOrString, place: FieldPath, errors: FieldErrors): void {
  if (typeof value === 'string') for (const problem of percentProblems(value)) errors.invalid(place, value, problem);
  else if (value < 0) errors.invalid(place, value, nonNegativeMessage);
}

export function atMostAllPercent(value: IntOrString, place: FieldPath, errors: FieldErrors): void {
  if ((percentOf(value) ?? 0) > 100) errors.invalid(place, value, 'must not be greater than 100%');
}

export function validateDeploymentUpdate(next: Deployment, current: Deployment, errors: FieldErrors): void {
  checkImmutable(errors, at.child('selector'), next.spec?.selector, current.spec?.selector);
}

const counts = [
  'observedGeneration',
  'replicas',
  'updatedReplicas',
  'readyReplicas',
  'availableReplicas',
  'unavailableReplicas',
  'terminatingReplicas',
];

export function validateDeploymentStatus(next: Deployment, current: Deployment, errors: FieldErrors): void {
  validateCounts(next.status, counts, ['updatedReplicas', 'readyReplicas', 'availableReplicas'], errors);
  validateCollisionCount(next.status, current.status, errors);
}

/** Counted up for ever: it names what was made. */
export function validateCollisionCount(
  next: { collisionCount?: number } | undefined,
  current: { collisionCount?: number } | undefined,
  errors: FieldErrors,
): void {
  const place = path('status', 'collisionCount');
  const count = next?.collisionCount;
  nonNegative(count, place, errors);
  if (current?.collisionCount === undefined) return;
  if (count === undefined) errors.invalid(place, null, 'cannot be unset');
  else if (count < current.collisionCount) errors.invalid(place, count, 'cannot be decremented');
}
