// What the kinds that keep pods running ask of their template and selector.
import type { PodTemplateSpec } from '../../../generated/core-v1.ts';
import type { LabelSelector } from '../../../generated/meta-v1.ts';
import { validatePodTemplate } from '../core/pod-template-validation.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { matchesSelector, validateLabelSelector } from '../meta/labels.ts';
import { selectorOf } from '../meta/selectors.ts';

export function isEmptySelector(selector: LabelSelector | undefined): boolean {
  return !Object.keys(selector?.matchLabels ?? {}).length && !selector?.matchExpressions?.length;
}

/** Errors of the selector itself; `kindName` for the message about an empty one. */
export function validateWorkloadSelector(
  selector: LabelSelector | undefined,
  kindName: string,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!selector) {
    errors.required(at);
    return;
  }
  validateLabelSelector(selector, at, errors);
  if (isEmptySelector(selector)) errors.invalid(at, selector, `empty selector is invalid for ${kindName}`);
}

/** Whether the labels of the template are selected; false also for a selector that is none. */
export function selectsTemplate(selector: LabelSelector | undefined, template: PodTemplateSpec | undefined): boolean {
  try {
    const requirements = selectorOf(selector);
    return requirements !== undefined && matchesSelector(requirements, template?.metadata?.labels);
  } catch {
    return false; // validateWorkloadSelector says what is wrong with it
  }
}

export function validateTemplateLabels(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (selectsTemplate(selector, template)) return;
  const labels = template?.metadata?.labels;
  errors.invalid(at.child('metadata', 'labels'), labels ?? null, '`selector` does not match template `labels`');
}

/** Pods of these kinds run for good. */
export function validateAlwaysRunning(
  template: PodTemplateSpec | undefined,
  what: string,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const { restartPolicy, activeDeadlineSeconds } = template?.spec ?? {};
  if (restartPolicy !== 'Always') {
    errors.notSupported(at.child('spec', 'restartPolicy'), restartPolicy ?? '', ['Always']);
  }
  if (activeDeadlineSeconds !== undefined) {
    errors.forbidden(at.child('spec', 'activeDeadlineSeconds'), `activeDeadlineSeconds in ${what} is not Supported`);
  }
}

/** Selector and template of ReplicaSets and what builds on them. */
export function validateReplicaTemplate(
  template: PodTemplateSpec | undefined,
  selector: LabelSelector | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!template) {
    errors.required(at);
    return;
  }
  if (!isEmptySelector(selector) || !selector) validateTemplateLabels(selector, template, at, errors);
  validatePodTemplate(template, at, errors);
  validateAlwaysRunning(template, 'ReplicaSet', at, errors);
}
