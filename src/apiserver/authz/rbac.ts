import type { Authorizer } from './authorizer.ts';
import type { RbacRules } from './rbac-rules.ts';
import { ruleAllows } from './rule-match.ts';

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
  };
}

function aggregate(errors: readonly string[]): string {
  const texts = [...new Set(errors)];
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}
