// What is audited, and how much of it: an audit.k8s.io/v1 Policy. The first rule that matches decides; none is no event.
import type { AuthorizationAttributes } from '../authz/authorizer.ts';

export const levels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type Level = (typeof levels)[number];
export const stages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type Stage = (typeof stages)[number];

export interface GroupResources {
  readonly group?: string;
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

export interface PolicyRule {
  readonly level: Level;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly GroupResources[];
  readonly namespaces?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

export interface Policy {
  readonly apiVersion: string;
  readonly kind: string;
  readonly rules: readonly PolicyRule[];
  readonly omitStages?: readonly Stage[];
  readonly omitManagedFields?: boolean;
}

/** What becomes of one request. */
export interface Decision {
  readonly level: Level;
  readonly omitStages: ReadonlySet<Stage>;
  readonly omitManagedFields: boolean;
}

/** Whom and what a request is about; the user is who asked, not whom they impersonate. */
export type Attributes = Pick<
  AuthorizationAttributes,
  'user' | 'verb' | 'isResource' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name' | 'path'
>;

interface CompiledRule {
  readonly rule: PolicyRule;
  readonly decision: Decision;
  readonly users: ReadonlySet<string> | undefined;
  readonly verbs: ReadonlySet<string> | undefined;
}

const setOf = (values: readonly string[] | undefined) => (values?.length ? new Set(values) : undefined);

export class PolicyEvaluator {
  readonly #rules: readonly CompiledRule[];
  readonly #none: Decision;

  constructor(policy: Policy) {
    const { omitStages = [], omitManagedFields = false } = policy;
    this.#none = { level: 'None', omitStages: new Set(omitStages), omitManagedFields };
    this.#rules = policy.rules.map((rule) => ({
      rule,
      users: setOf(rule.users),
      verbs: setOf(rule.verbs),
      decision: {
        level: rule.level,
        omitStages: new Set([...omitStages, ...(rule.omitStages ?? [])]),
        omitManagedFields: rule.omitManagedFields ?? omitManagedFields,
      },
    }));
  }

  evaluate(attributes: Attributes): Decision {
    for (const compiled of this.#rules) if (matches(compiled, attributes)) return compiled.decision;
    return this.#none;
  }
}

function matches({ rule, users, verbs }: CompiledRule, attributes: Attributes): boolean {
  const { user, verb } = attributes;
  if (verbs && !verbs.has(verb)) return false;
  if (users && !users.has(user.username)) return false;
  if (rule.userGroups?.length && !user.groups.some((group) => rule.userGroups!.includes(group))) return false;
  if (rule.namespaces?.length || rule.resources?.length) return matchesResource(rule, attributes);
  if (rule.nonResourceURLs?.length)
    return !attributes.isResource && rule.nonResourceURLs.some((url) => covers(url, attributes.path));
  return true;
}

function covers(url: string, path: string): boolean {
  if (url === '*' || url === path) return true;
  return url.endsWith('*') && path.startsWith(url.slice(0, -1));
}

function matchesResource({ namespaces, resources }: PolicyRule, attributes: Attributes): boolean {
  if (!attributes.isResource) return false;
  if (namespaces?.length && !namespaces.includes(attributes.namespace)) return false;
  if (!resources?.length) return true;
  return resources.some((each) => matchesGroup(each, attributes));
}

function matchesGroup(wanted: GroupResources, { group, resource, subresource, name }: Attributes): boolean {
  if ((wanted.group ?? '') !== group && wanted.group !== '*') return false;
  if (!wanted.resources?.length) return true;
  if (wanted.resourceNames?.length && !wanted.resourceNames.includes(name)) return false;
  const whole = subresource ? `${resource}/${subresource}` : resource;
  return wanted.resources.some(
    (each) =>
      each === '*' || each === whole || (subresource !== '' && each === `*/${subresource}`) || each === `${resource}/*`,
  );
}
