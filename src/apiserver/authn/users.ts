// Names of users and groups that the API itself knows.
import type { UserInfo } from './authenticator.ts';

export const groups = {
  authenticated: 'system:authenticated',
  unauthenticated: 'system:unauthenticated',
  masters: 'system:masters',
  nodes: 'system:nodes',
  serviceAccounts: 'system:serviceaccounts',
} as const;

export const anonymousUser: UserInfo = { username: 'system:anonymous', groups: [groups.unauthenticated] };

const serviceAccountPrefix = 'system:serviceaccount:';

export function serviceAccountUsername(namespace: string, name: string): string {
  return `${serviceAccountPrefix}${namespace}:${name}`;
}

export function serviceAccountGroups(namespace: string): string[] {
  return [groups.serviceAccounts, `${groups.serviceAccounts}:${namespace}`];
}

/** Undefined for a name that is not a service account's. */
export function splitServiceAccount(username: string): { namespace: string; name: string } | undefined {
  if (!username.startsWith(serviceAccountPrefix)) return undefined;
  const parts = username.slice(serviceAccountPrefix.length).split(':');
  const [namespace, name] = parts;
  return parts.length === 2 && namespace && name ? { namespace, name } : undefined;
}

const nodePrefix = 'system:node:';

/** The node a kubelet speaks for: '' when it is one that does not say which; undefined for everybody else. */
export function nodeNameOf(user: UserInfo): string | undefined {
  if (!user.groups.includes(groups.nodes) || !user.username.startsWith(nodePrefix)) return undefined;
  return user.username.slice(nodePrefix.length);
}

/** Adds the group that every authenticated user is in. */
export function withAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.groups.includes(groups.authenticated) || user.groups.includes(groups.unauthenticated)) return user;
  return { ...user, groups: [...user.groups, groups.authenticated] };
}
