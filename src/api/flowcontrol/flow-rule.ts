import type {
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from '../../../generated/flowcontrol-v1.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from '../meta/names.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const subjectKinds = { Group: 'group', ServiceAccount: 'serviceAccount', User: 'user' } as const;

function validateSubject(subject: Subject, at: FieldPath, errors: FieldErrors): void {
  const kinds = Object.keys(subjectKinds) as (keyof typeof subjectKinds)[];
  if (!kinds.includes(subject.kind as never)) {
    errors.notSupported(at.child('kind'), subject.kind, kinds);
    return;
  }
  const own = subjectKinds[subject.kind as keyof typeof subjectKinds];
  const value = subject[own];
  if (!value) errors.required(at.child(own), `${own} is required when subject kind is '${subject.kind}'`);
  else if (!value.name) errors.required(at.child(own, 'name'));
  if (own === 'serviceAccount' && subject.serviceAccount) {
    const { name, namespace } = subject.serviceAccount;
    if (name && name !== '*') validateBy(dns1123SubdomainProblems, name, at.child(own, 'name'), errors);
    if (namespace) validateBy(dns1123LabelProblems, namespace, at.child(own, 'namespace'), errors);
    else errors.required(at.child(own, 'namespace'), 'must specify namespace for service account');
  }
  for (const kind of kinds) {
    const field = subjectKinds[kind];
    if (field !== own && subject[field])
      errors.forbidden(at.child(field), `${field} is forbidden when subject kind is not '${kind}'`);
  }
}

/** `*` stands for everything, and then alone. */
function validateList(
  list: readonly string[] | null | undefined,
  what: string,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!list?.length) errors.required(at, `resource rules must supply at least one ${what}`);
  else if (list.length > 1 && list.includes('*'))
    errors.invalid(at, list, `if '*' is present, must not specify other ${what}s`);
}

const knownVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'];

function validateVerbs(verbs: readonly string[] | null | undefined, at: FieldPath, errors: FieldErrors): void {
  if (!verbs?.length) errors.required(at, 'verbs must contain at least one value');
  else if (verbs.length > 1 && verbs.includes('*'))
    errors.invalid(at, verbs, "if '*' is present, must not specify other verbs");
  else if (!verbs.includes('*') && !verbs.every((verb) => knownVerbs.includes(verb))) {
    errors.notSupported(at, verbs, knownVerbs);
  }
}

function validateResourceRule(rule: ResourcePolicyRule, at: FieldPath, errors: FieldErrors): void {
  validateVerbs(rule.verbs, at.child('verbs'), errors);
  validateList(rule.apiGroups, 'api group', at.child('apiGroups'), errors);
  validateList(rule.resources, 'resource', at.child('resources'), errors);
  if (!rule.namespaces?.length && !rule.clusterScope) {
    errors.required(
      at.child('namespaces'),
      'resource rules that are not cluster scoped must supply at least one namespace',
    );
    return;
  }
  const namespaces = rule.namespaces ?? [];
  const place = at.child('namespaces');
  if (namespaces.length > 1 && namespaces.includes('*')) {
    errors.invalid(place, namespaces, "if '*' is present, must not specify other namespaces");
  }
  if (namespaces.includes('*')) return;
  namespaces.forEach((namespace, index) => {
    for (const problem of dns1123LabelProblems(namespace)) {
      errors.invalid(
        place.index(index),
        namespace,
        `each member of this list must be '*' or a DNS-1123 label; ${problem}`,
      );
    }
  });
}

function pathProblem(url: string): string | undefined {
  if (url === '') return 'must not be empty';
  if (!url.startsWith('/')) return 'must start with slash';
  if (url.includes(' ')) return 'must not contain white-space';
  if (url.includes('//')) return 'must not contain double slash';
  const stars = url.split('*').length - 1;
  return stars > 1 || (stars === 1 && !url.endsWith('/*')) ? 'wildcard can only do suffix matching' : undefined;
}

/** Conditions in the statuses of schemas and levels: each type once. */
export function validateFlowConditions(
  { status }: { readonly status?: { readonly conditions?: readonly { readonly type?: string }[] } },
  _current: unknown,
  errors: FieldErrors,
): void {
  const seen = new Set<string>();
  status?.conditions?.forEach(({ type = '' }, index) => {
    const at = path('status', 'conditions').index(index).child('type');
    if (seen.has(type)) errors.duplicate(at, type);
    seen.add(type);
    required(type, at, errors);
  });
}

function validateNonResourceRule(rule: NonResourcePolicyRule, at: FieldPath, errors: FieldErrors): void {
  validateVerbs(rule.verbs, at.child('verbs'), errors);
  const urls = rule.nonResourceURLs ?? [];
  if (!urls.length) errors.required(at.child('nonResourceURLs'), 'nonResourceURLs must contain at least one value');
  urls.forEach((url, index) => {
    const place = at.child('nonResourceURLs').index(index);
    if (url === '*') return;
    const problem = pathProblem(url);
    if (problem) errors.invalid(place, url, problem);
  });
}

export function validateFlowRule(rule: PolicyRulesWithSubjects, at: FieldPath, errors: FieldErrors): void {
  const { subjects, resourceRules = [], nonResourceRules = [] } = rule;
  if (!subjects?.length) errors.required(at.child('subjects'), 'subjects must contain at least one value');
  subjects?.forEach((subject, index) => {
    validateSubject(subject, at.child('subjects').index(index), errors);
  });
  if (!resourceRules.length && !nonResourceRules.length) {
    errors.required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty');
  }
  resourceRules.forEach((each, index) => {
    validateResourceRule(each, at.child('resourceRules').index(index), errors);
  });
  nonResourceRules.forEach((each, index) => {
    validateNonResourceRule(each, at.child('nonResourceRules').index(index), errors);
  });
}
