// Nobody grants more than they have: who writes a role must hold its rules, who writes a binding those of its role,
// unless they hold the `escalate` or `bind` verb.
import type { PolicyRule, RoleRef } from '../../../generated/rbac-v1.ts';
import { goQuote } from '../../api/meta/field-errors.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import { groups } from '../authn/users.ts';
import type { Authorizer } from './authorizer.ts';
import type { RbacRules } from './rbac-rules.ts';
import { compactRules, describeRule, uncoveredRules } from './rule-match.ts';

export const mayAlwaysGrant = (user: UserInfo): boolean => user.groups.includes(groups.masters);

/** Everything there is: what aggregated roles may come to hold. */
export const fullAuthority: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Why the user may not grant the rules in the namespace; undefined when they hold them all. */
export function whyNotGrant(
  rules: RbacRules,
  user: UserInfo,
  namespace: string,
  wanted: readonly PolicyRule[],
): string | undefined {
  const held = rules.held(user, namespace);
  const missing = uncoveredRules(
    held.rules.map(({ rule }) => rule),
    wanted,
  );
  if (missing.length === 0) return undefined;
  const lines = [...new Set(compactRules(missing).map(describeRule))].sort();
  const who = `user ${goQuote(user.username)} (groups=[${user.groups.map(goQuote).join(' ')}])`;
  const trouble = held.errors.length > 0 ? `; resolution errors: [${held.errors.join(' ')}]` : '';
  return `${who} is attempting to grant RBAC permissions not currently held:\n${lines.join('\n')}${trouble}`;
}

interface GrantVerb {
  readonly user: UserInfo;
  readonly verb: 'escalate' | 'bind';
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
}

/** Whether the user holds the verb that lifts the rule for this role. */
export async function holdsGrantVerb(
  authorizer: Authorizer,
  { user, verb, kind, name, namespace }: GrantVerb,
): Promise<boolean> {
  const decision = await authorizer.authorize({
    user,
    verb,
    isResource: true,
    group: 'rbac.authorization.k8s.io',
    version: '*',
    resource: kind === 'ClusterRole' ? 'clusterroles' : 'roles',
    subresource: '',
    namespace,
    name,
    path: '',
  });
  return decision.verdict === 'allow';
}

/** May the user bind this role there? */
export function mayBind(authorizer: Authorizer, user: UserInfo, ref: RoleRef, namespace: string): Promise<boolean> {
  return holdsGrantVerb(authorizer, { user, verb: 'bind', kind: ref.kind, name: ref.name, namespace });
}
