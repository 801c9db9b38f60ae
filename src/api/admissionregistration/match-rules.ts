// Which requests webhooks and policies look at.
import type { RuleWithOperations } from '../../../generated/admissionregistration-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { checkSupported } from '../meta/supported.ts';

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE'];
const scopes = ['*', 'Cluster', 'Namespaced'];

export function defaultRules(rules: readonly RuleWithOperations[] | undefined): void {
  for (const rule of rules ?? []) rule.scope ??= '*';
}

function checkStar(list: readonly string[], what: string, at: FieldPath, errors: FieldErrors): void {
  if (list.length > 1 && list.includes('*'))
    errors.invalid(at, list, `if '*' is present, must not specify other ${what}`);
}

function validateResources(resources: readonly string[], at: FieldPath, errors: FieldErrors): void {
  if (!resources.length) errors.required(at);
  resources.forEach((resource, index) => {
    const place = at.index(index);
    if (!resource) errors.required(place);
    const [name, sub] = resource.split('/');
    if (resource === '*/*' || !sub) return;
    if (sub !== '*' && resources.includes(`${name}/*`)) {
      errors.invalid(place, resource, `if '${name}/*' is present, must not specify ${resource}`);
    } else if (name !== '*' && resources.includes(`*/${sub}`)) {
      errors.invalid(place, resource, `if '*/${sub}' is present, must not specify ${resource}`);
    }
  });
  if (resources.length > 1 && resources.includes('*/*')) {
    errors.invalid(at, resources, "if '*/*' is present, must not specify other resources");
  }
  const plain = resources.filter((resource) => !resource.includes('/'));
  if (plain.length > 1 && plain.includes('*')) {
    errors.invalid(at, resources, "if '*' is present, must not specify other resources without subresources");
  }
}

export function validateRule(rule: RuleWithOperations, at: FieldPath, errors: FieldErrors): void {
  const { apiGroups = [], apiVersions = [], resources = [], scope } = rule;
  const asked: readonly string[] = rule.operations ?? [];
  if (!asked.length) errors.required(at.child('operations'));
  checkStar(asked, 'operations', at.child('operations'), errors);
  asked.forEach((operation, index) => {
    checkSupported(errors, at.child('operations').index(index), operation, operations);
  });
  if (!apiGroups.length) errors.required(at.child('apiGroups'));
  checkStar(apiGroups, 'API groups', at.child('apiGroups'), errors);
  if (!apiVersions.length) errors.required(at.child('apiVersions'));
  checkStar(apiVersions, 'API versions', at.child('apiVersions'), errors);
  apiVersions.forEach((version, index) => {
    if (!version) errors.required(at.child('apiVersions').index(index));
  });
  validateResources(resources, at.child('resources'), errors);
  checkSupported(errors, at.child('scope'), scope, scopes);
}
