import { groups } from '../authn/users.ts';
import type { Authorizer, Decision, UserRules } from './authorizer.ts';

/** Asks each in turn; the first that allows or denies decides. What the others said is kept for the answer. */
export function unionAuthorizer(authorizers: readonly Authorizer[]): Authorizer {
  return {
    rulesFor(user, namespace): UserRules {
      const all = authorizers.flatMap((authorizer) => authorizer.rulesFor?.(user, namespace) ?? []);
      return {
        resourceRules: all.flatMap(({ resourceRules }) => resourceRules),
        nonResourceRules: all.flatMap(({ nonResourceRules }) => nonResourceRules),
        incomplete: all.some(({ incomplete }) => incomplete),
        errors: all.flatMap(({ errors }) => errors),
      };
    },
    authorize(attributes) {
      const reasons: string[] = [];
      for (const [index, authorizer] of authorizers.entries()) {
        const decision = authorizer.authorize(attributes);
        if (decision instanceof Promise) return settle(decision, authorizers.slice(index + 1));
        if (decision.verdict !== 'none') return decision;
        if (decision.reason) reasons.push(decision.reason);
      }
      return { verdict: 'none', reason: reasons.join('\n') };

      async function settle(first: Promise<Decision>, rest: readonly Authorizer[]): Promise<Decision> {
        const decision = await first;
        if (decision.verdict !== 'none') return decision;
        const next = await unionAuthorizer(rest).authorize(attributes);
        if (next.verdict !== 'none') return next;
        const all = [...reasons, decision.reason, next.reason].filter((reason) => reason !== '');
        return { verdict: 'none', reason: all.join('\n') };
      }
    },
  };
}

/** `system:masters` may do everything, whatever the roles say: the way back in when they are broken. */
export const mastersAuthorizer: Authorizer = {
  authorize({ user }) {
    return { verdict: user.groups.includes(groups.masters) ? 'allow' : 'none', reason: '' };
  },
};

/** Everybody may do everything, or nothing that others do not allow: for API servers under test. */
export function constantAuthorizer(verdict: 'allow' | 'none'): Authorizer {
  const decision: Decision = { verdict, reason: verdict === 'allow' ? '' : 'Everything is forbidden.' };
  return {
    authorize: () => decision,
    rulesFor: () => ({
      resourceRules: verdict === 'allow' ? [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }] : [],
      nonResourceRules: verdict === 'allow' ? [{ verbs: ['*'], nonResourceURLs: ['*'] }] : [],
      incomplete: false,
      errors: [],
    }),
  };
}

/** Several errors as one line. */
export function aggregate(errors: readonly string[]): string {
  const texts = [...new Set(errors)];
  return texts.length === 1 ? texts[0]! : `[${texts.join(', ')}]`;
}
