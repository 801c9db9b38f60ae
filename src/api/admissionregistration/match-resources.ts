// What admission policies look at, and the parameters of their bindings.
import type { MatchResources, ParamKind, ParamRef } from '../../../generated/admissionregistration-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { dns1035LabelProblems, dns1123SubdomainProblems, pathSegmentProblems } from '../meta/names.ts';
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
      const place = at.child(field).index(index);
      const names = rule.resourceNames ?? [];
      names.forEach((name, position) => {
        const own = place.child('resourceNames').index(position);
        for (const problem of pathSegmentProblems(name)) errors.invalid(own, name, problem);
        if (names.indexOf(name) !== position) errors.duplicate(own, name);
      });
      validateRule(rule, place, errors);
    });
  }
}

export function validateParamKind({ apiVersion = '', kind }: ParamKind, at: FieldPath, errors: FieldErrors): void {
  validateGroupVersion(apiVersion, at.child('apiVersion'), errors);
  if (!kind) errors.required(at.child('kind'));
  else {
    const problems = dns1035LabelProblems(kind.toLowerCase());
    const advice = 'may have mixed case, but should otherwise match: ';
    if (problems.length) errors.invalid(at.child('kind'), kind, advice + problems.join(','));
  }
}

function validateGroupVersion(apiVersion: string, at: FieldPath, errors: FieldErrors): void {
  if (!apiVersion) {
    errors.required(at);
    return;
  }
  const parts = apiVersion === '/' ? ['', ''] : apiVersion.split('/');
  if (parts.length > 2) {
    errors.invalid(at, apiVersion, `unexpected GroupVersion string: ${apiVersion}`);
    return;
  }
  const [group, version] = parts.length === 2 ? (parts as [string, string]) : ['', parts[0]!];
  const groupProblems = group ? dns1123SubdomainProblems(group) : [];
  if (groupProblems.length) errors.invalid(at, group, groupProblems.join(','));
  const versionProblems = version ? dns1035LabelProblems(version) : [];
  if (!version) errors.invalid(at, apiVersion, 'version must be specified');
  else if (versionProblems.length) errors.invalid(at, version, versionProblems.join(','));
}

export function validateParamRef(reference: ParamRef, at: FieldPath, errors: FieldErrors): void {
  const { name, selector, parameterNotFoundAction: action } = reference;
  if (name) {
    for (const problem of pathSegmentProblems(name)) errors.invalid(at.child('name'), name, problem);
    if (selector) errors.forbidden(at.child('name'), 'name and selector are mutually exclusive');
  } else if (!selector) errors.required(at, 'one of name or selector must be specified');
  if (selector) {
    validateLabelSelector(selector, at.child('selector'), errors);
    if (name) errors.forbidden(at.child('selector'), 'name and selector are mutually exclusive');
  }
  if (!action) errors.required(at.child('parameterNotFoundAction'));
  else checkSupported(errors, at.child('parameterNotFoundAction'), action, ['Deny', 'Allow']);
}

export const paramKindCell = (kind: ParamKind | undefined): string =>
  kind ? `${kind.apiVersion}/${kind.kind}` : '<unset>';

export function paramRefCell(reference: ParamRef | undefined): string {
  if (!reference) return '<unset>';
  return [reference.namespace, reference.name].filter(Boolean).join('/') || '*';
}
