import type {
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from '../../../generated/flowcontrol-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';

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
  if (own === 'serviceAccount' && subject.serviceAccount && !subject.serviceAccount.namespace) {
    errors.required(at.child(own, 'namespace'), 'must specify namespace for service account');
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
    errors.invalid(at, list, "if '*' is present, must not specify other values");
}

function validateVerbs(verbs: readonly string[] | null | undefined, at: FieldPath, errors: FieldErrors): void {
  if (!verbs?.length) errors.required(at, 'verbs must contain at least one value');
  else if (verbs.length > 1 && verbs.includes('*'))
    errors.invalid(at, verbs, "if '*' is present, must not specify other verbs");
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
  }
}

function validateNonResourceRule(rule: NonResourcePolicyRule, at: FieldPath, errors: FieldErrors): void {
  validateVerbs(rule.verbs, at.child('verbs'), errors);
  const urls = rule.nonResourceURLs ?? [];
  if (!urls.length) errors.required(at.child('nonResourceURLs'), 'nonResourceURLs must contain at least one value');
  urls.forEach((url, index) => {
    const place = at.child('nonResourceURLs').index(index);
    if (url === '*') return;
    if (!url.startsWith('/')) errors.invalid(place, url, 'must start with slash');
    else if (url.includes(' ')) errors.invalid(place, url, 'must not contain white-space');
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
