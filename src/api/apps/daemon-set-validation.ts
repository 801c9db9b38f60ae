// DaemonSet.
import type { DaemonSet, DaemonSetUpdateStrategy } from '../../../generated/apps-v1.ts';
import { validatePodTemplate } from '../core/pod-template-validation.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { intOrPercent } from '../meta/int-or-string.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { nonNegative } from '../meta/number-validation.ts';
import { isReadableSelector } from '../meta/selectors.ts';
import { checkImmutable } from '../meta/strategy.ts';
import { atMostAllPercent, validateCollisionCount, validateIntOrPercent } from './deployment-validation.ts';
import { isEmptySelector, validateAlwaysRunning, validateTemplateLabels } from './template-validation.ts';

const at = path('spec');

export function validateDaemonSet({ spec }: DaemonSet, errors: FieldErrors): void {
  const selector = spec?.selector;
  const template = spec?.template;
  validateLabelSelector(selector, at.child('selector'), errors);
  if (isReadableSelector(selector)) validateTemplateLabels(selector, template, at.child('template'), errors);
  if (selector && isEmptySelector(selector)) {
    errors.invalid(at.child('selector'), selector, 'empty selector is invalid for daemonset');
  }
  validatePodTemplate(template, at.child('template'), errors);
  validateAlwaysRunning(template, 'DaemonSet', at.child('template'), errors);
  nonNegative(spec?.minReadySeconds, at.child('minReadySeconds'), errors);
  validateStrategy(spec?.updateStrategy ?? {}, at.child('updateStrategy'), errors);
  nonNegative(spec?.revisionHistoryLimit, at.child('revisionHistoryLimit'), errors);
}

function validateStrategy(strategy: DaemonSetUpdateStrategy, place: FieldPath, errors: FieldErrors): void {
  if (strategy.type === 'OnDelete') return;
  if (strategy.type !== 'RollingUpdate') {
    const shown = goForm('io.k8s.api.apps.v1.DaemonSetUpdateStrategy', strategy);
    errors.notSupported(place, shown, ['RollingUpdate', 'OnDelete']);
    return;
  }
  const rolling = place.child('rollingUpdate');
  if (!strategy.rollingUpdate) {
    errors.required(rolling);
    return;
  }
  const { maxUnavailable = 0, maxSurge = 0 } = strategy.rollingUpdate;
  validateIntOrPercent(maxUnavailable, rolling.child('maxUnavailable'), errors);
  validateIntOrPercent(maxSurge, rolling.child('maxSurge'), errors);
  atMostAllPercent(maxUnavailable, rolling.child('maxUnavailable'), errors);
  atMostAllPercent(maxSurge, rolling.child('maxSurge'), errors);
  const hasUnavailable = intOrPercent(maxUnavailable) !== 0;
  const hasSurge = intOrPercent(maxSurge) !== 0;
  if (hasUnavailable && hasSurge) {
    errors.invalid(rolling.child('maxSurge'), maxSurge, 'may not be set when maxUnavailable is non-zero');
  } else if (!hasUnavailable && !hasSurge) {
    errors.required(rolling.child('maxUnavailable'), 'cannot be 0 when maxSurge is 0');
  }
}

export function validateDaemonSetUpdate(next: DaemonSet, current: DaemonSet, errors: FieldErrors): void {
  checkImmutable(errors, at.child('selector'), next.spec?.selector, current.spec?.selector);
}

const counts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
] as const;

export function validateDaemonSetStatus(next: DaemonSet, current: DaemonSet, errors: FieldErrors): void {
  for (const field of counts) nonNegative(next.status?.[field], path('status', field), errors);
  validateCollisionCount(next.status, current.status, errors);
}
