// Whether a request is what a rule names: operation, group, version, resource and subresource, scope.
import type { RuleWithOperations } from '../../../../generated/admissionregistration-v1.ts';
import type { ResourceInfo } from '../../../api/resource-info.ts';
import type { AdmissionRequest } from '../plugin.ts';

/** What rules look at. */
export interface RuleSubject {
  readonly operation: AdmissionRequest['operation'];
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly subresource: string;
  readonly isNamespaced: boolean;
}

export function ruleSubject(request: AdmissionRequest, resource: ResourceInfo = request.resource): RuleSubject {
  const { operation, subresource } = request;
  const { group, version, plural, namespaced } = resource;
  return { operation, group, version, plural, subresource, isNamespaced: namespaced };
}

const names = (list: readonly string[] | undefined, value: string) =>
  list !== undefined && (list.includes(value) || list.includes('*'));

export function matchesRule(rule: RuleWithOperations, subject: RuleSubject): boolean {
  return (
    names(rule.operations, subject.operation) &&
    names(rule.apiGroups, subject.group) &&
    names(rule.apiVersions, subject.version) &&
    namesResource(rule.resources, subject) &&
    hasScope(rule.scope, subject)
  );
}

/** `pods`, `pods/log`, `pods/*`, `*`, `*` + `/scale`: without a slash, subresources are not meant. */
function namesResource(resources: readonly string[] | undefined, { plural, subresource }: RuleSubject): boolean {
  return (resources ?? []).some((text) => {
    const slash = text.indexOf('/');
    const resource = slash < 0 ? text : text.slice(0, slash);
    const part = slash < 0 ? '' : text.slice(slash + 1);
    return (resource === '*' || resource === plural) && (part === '*' || part === subresource);
  });
}

function hasScope(scope: RuleWithOperations['scope'], { isNamespaced }: RuleSubject): boolean {
  if (scope === undefined || scope === '*') return true;
  return (scope === 'Namespaced') === isNamespaced;
}
