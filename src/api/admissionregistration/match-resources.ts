// What admission policies look at, and the parameters of their bindings.
import type { MatchResources, ParamKind, ParamRef } from '../../../generated/admissionregistration-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { pathSegmentProblems } from '../meta/names.ts';
import { checkSupported } from '../meta/supported.ts';
import { defaultRules, validateRule } from './match-rules.ts';

export function defaultMatchResources(resources: MatchResources | undefined): void {
  if (!resources) return;
  resources.matchPolicy ??= 'Equivalent';
  resources.namespaceSelector ??= {};
  resources.objectSelector ??= {};
  defaultRules(resources.resourceRules);
  defaultRules(resources.excludeResourceRules);
}

export function validateMatchResources(resources: MatchResources, at: FieldPath, errors: FieldErrors): void {
  checkSupported(errors, at.child('matchPolicy'), resources.matchPolicy, ['Equivalent', 'Exact']);
  validateLabelSelector(resources.namespaceSelector, at.child('namespaceSelector'), errors);
  validateLabelSelector(resources.objectSelector, at.child('objectSelector'), errors);
  for (const field of ['resourceRules', 'excludeResourceRules'] as const) {
    resources[field]?.forEach((rule, index) => {
      validateRule(rule, at.child(field).index(index), errors);
    });
  }
}

export function validateParamKind({ apiVersion = '', kind }: ParamKind, at: FieldPath, errors: FieldErrors): void {
  if (!apiVersion) errors.required(at.child('apiVersion'));
  else if (apiVersion.split('/').length > 2) {
    errors.invalid(at.child('apiVersion'), apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
  }
  if (!kind) errors.required(at.child('kind'));
}

export function validateParamRef(reference: ParamRef, at: FieldPath, errors: FieldErrors): void {
  const { name, selector, parameterNotFoundAction: action } = reference;
  if (name) {
    for (const problem of pathSegmentProblems(name)) errors.invalid(at.child('name'), name, problem);
    if (selector) errors.forbidden(at.child('name'), 'name and selector are mutually exclusive');
  } else if (!selector) errors.required(at, 'one of name or selector must be specified');
  else validateLabelSelector(selector, at.child('selector'), errors);
  if (!action) errors.required(at.child('parameterNotFoundAction'));
  else checkSupported(errors, at.child('parameterNotFoundAction'), action, ['Deny', 'Allow']);
}

export const paramKindCell = (kind: ParamKind | undefined): string =>
  kind ? `${kind.apiVersion}/${kind.kind}` : '<unset>';

export function paramRefCell(reference: ParamRef | undefined): string {
  if (!reference) return '<unset>';
  return [reference.namespace, reference.name].filter(Boolean).join('/') || '*';
}
