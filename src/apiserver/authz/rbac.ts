import type { Authorizer } from './authorizer.ts';
import type { RbacRules } from './rbac-rules.ts';
import { ruleAllows } from './rule-match.ts';
import { aggregate } from './union.ts';

/** Allows what a role bound to the user allows. Never denies: another authorizer may still allow. */
export function rbacAuthorizer(rules: RbacRules): Authorizer {
  return {
    authorize(attributes) {
      const held = rules.held(attributes.user, attributes.namespace);
      for (const { rule, source } of held.rules) {
        if (ruleAllows(rule, attributes)) return { verdict: 'allow', reason: `RBAC: allowed by ${source}` };
      }
      return { verdict: 'none', reason: held.errors.length > 0 ? `RBAC: ${aggregate(held.errors)}` : '' };
    },
    rulesFor(user, namespace) {
      const { rules: all, errors } = rules.held(user, namespace);
      return {
        resourceRules: all.flatMap(({ rule: { verbs, apiGroups, resources, resourceNames } }) =>
          resources?.length ? { verbs, ...given({ apiGroups, resources, resourceNames }) } : [],
        ),
        nonResourceRules: all.flatMap(({ rule: { verbs, nonResourceURLs } }) =>
          nonResourceURLs?.length ? { verbs, nonResourceURLs } : [],
        ),
        incomplete: false,
        errors,
      };
    },
  };
}

function given<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as any;
}
