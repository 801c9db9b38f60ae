// FlowSchemas made ready for matching: subjects apart from rules, since a caller's subjects match the same way each time.
import type {
  FlowSchema,
  NonResourcePolicyRule,
  ResourcePolicyRule,
  Subject,
} from '../../../generated/flowcontrol-v1.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { RequestInfo } from '../request-info.ts';

export type RequestTest = (info: RequestInfo) => boolean;

/** Undefined: none of the schema's rules speaks of this user. */
export function testFor(schema: FlowSchema, user: UserInfo): RequestTest | undefined {
  const tests: RequestTest[] = [];
  for (const { subjects, resourceRules, nonResourceRules } of schema.spec?.rules ?? []) {
    if (!subjects?.some((subject) => isSubject(subject, user))) continue;
    const resources = (resourceRules ?? []).map(resourceTest);
    const paths = (nonResourceRules ?? []).map(pathTest);
    tests.push((info) => (info.isResource ? resources : paths).some((test) => test(info)));
  }
  if (tests.length < 2) return tests[0];
  return (info) => tests.some((test) => test(info));
}

function isSubject({ kind, user, group, serviceAccount }: Subject, { username, groups }: UserInfo): boolean {
  switch (kind) {
    case 'User':
      return user !== undefined && (user.name === '*' || user.name === username);
    case 'Group':
      return group !== undefined && (group.name === '*' || groups.includes(group.name));
    case 'ServiceAccount': {
      if (!serviceAccount) return false;
      const prefix = `system:serviceaccount:${serviceAccount.namespace}:`;
      if (serviceAccount.name === '*') return username.startsWith(prefix);
      return username === prefix + serviceAccount.name;
    }
    default:
      return false;
  }
}

type ListTest = (value: string) => boolean;

/** `*` stands for everything only when it is alone. */
function oneOf(list: readonly string[] | null | undefined): ListTest {
  if (list?.length === 1 && list[0] === '*') return () => true;
  const values = new Set(list ?? []);
  return (value) => values.has(value);
}

function resourceTest(rule: ResourcePolicyRule): RequestTest {
  const isVerb = oneOf(rule.verbs);
  const isGroup = oneOf(rule.apiGroups);
  const isResource = oneOf(rule.resources);
  const isNamespace = oneOf(rule.namespaces);
  return ({ verb, group, resource, subresource, namespace }) =>
    isVerb(verb) &&
    isResource(subresource ? `${resource}/${subresource}` : resource) &&
    isGroup(group) &&
    (namespace ? isNamespace(namespace) : rule.clusterScope === true);
}

function pathTest({ verbs, nonResourceURLs }: NonResourcePolicyRule): RequestTest {
  const isVerb = oneOf(verbs);
  const urls = nonResourceURLs ?? [];
  const prefixes = urls.map((url) => url.replace(/\*$/, '').replace(/\/?$/, '/'));
  return ({ verb, path }) =>
    isVerb(verb) && urls.some((url, index) => url === '*' || url === path || path.startsWith(prefixes[index]!));
}
