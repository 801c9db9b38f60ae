// The default roles and bindings, from the facts.
import { readFileSync } from 'node:fs';
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from '../../../generated/rbac-v1.ts';
import { packageFile } from '../../base/package-file.ts';

interface RoleFact {
  readonly namespace?: string;
  readonly name: string;
  readonly labels?: Record<string, string>;
  /** Labels of the roles whose rules this one gathers. */
  readonly aggregates?: readonly string[];
  readonly rules?: PolicyRule[];
}

interface BindingFact {
  readonly namespace?: string;
  readonly name: string;
  readonly role: string;
  readonly roleKind: string;
  readonly subjects?: Subject[];
}

export interface PolicyFacts {
  readonly clusterRoles: readonly RoleFact[];
  readonly clusterRoleBindings: readonly BindingFact[];
  readonly roles: readonly RoleFact[];
  readonly roleBindings: readonly BindingFact[];
}

let facts: PolicyFacts | undefined;

export function loadPolicyFacts(): PolicyFacts {
  facts ??= JSON.parse(readFileSync(packageFile('facts/rbac-policy.json'), 'utf8')) as PolicyFacts;
  return facts;
}

const apiVersion = 'rbac.authorization.k8s.io/v1';

/** The default roles and bindings as objects, aggregated roles with the rules they gather. */
export function defaultPolicy(): (ClusterRole | ClusterRoleBinding | Role | RoleBinding)[] {
  const { clusterRoles, clusterRoleBindings, roles, roleBindings } = loadPolicyFacts();
  const rulesOf = (role: RoleFact): PolicyRule[] => {
    if (!role.aggregates) return role.rules ?? [];
    const gathered = clusterRoles.filter((other) => role.aggregates!.some((label) => other.labels?.[label] === 'true'));
    return uniqueRules(gathered.flatMap(rulesOf));
  };
  return [
    ...clusterRoles.map((fact): ClusterRole => {
      const selectors = fact.aggregates?.map((label) => ({ matchLabels: { [label]: 'true' } }));
      const aggregation = selectors ? { aggregationRule: { clusterRoleSelectors: selectors } } : {};
      return { apiVersion, kind: 'ClusterRole', metadata: metadataOf(fact), rules: rulesOf(fact), ...aggregation };
    }),
    ...clusterRoleBindings.map((fact): ClusterRoleBinding => bindingOf(fact, 'ClusterRoleBinding')),
    ...roles.map((fact): Role => ({ apiVersion, kind: 'Role', metadata: metadataOf(fact), rules: rulesOf(fact) })),
    ...roleBindings.map((fact): RoleBinding => bindingOf(fact, 'RoleBinding')),
  ];
}

function bindingOf(fact: BindingFact, kind: string) {
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: fact.roleKind, name: fact.role };
  return {
    apiVersion,
    kind,
    metadata: metadataOf(fact),
    ...(fact.subjects ? { subjects: fact.subjects } : {}),
    roleRef,
  };
}

function metadataOf({
  namespace,
  name,
  labels,
}: {
  namespace?: string;
  name: string;
  labels?: Record<string, string>;
}) {
  return {
    name,
    ...(namespace ? { namespace } : {}),
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { 'rbac.authorization.kubernetes.io/autoupdate': 'true' },
  };
}

function uniqueRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const seen = new Map(rules.map((rule) => [JSON.stringify(rule), rule]));
  return [...seen.values()];
}
