// Acting as someone else, for those who may: each name, group and extra value is a permission of its own.
import { badRequest } from '../../api/meta/status-error.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { AuthorizationAttributes, Authorizer } from '../authz/authorizer.ts';
import type { ServerRequest } from '../http/exchange.ts';
import { anonymous } from './authenticate.ts';
import { authorize } from './authorize.ts';

const extraPrefix = 'impersonate-extra-';
const serviceAccountPrefix = 'system:serviceaccount:';

function values(request: ServerRequest, name: string): string[] {
  const value = request.headers[name];
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : value.split(',')).map((each) => each.trim()).filter((each) => each !== '');
}

function attributes(
  user: UserInfo,
  resource: string,
  name: string,
  more: Partial<AuthorizationAttributes> = {},
): AuthorizationAttributes {
  return {
    user,
    verb: 'impersonate',
    isResource: true,
    group: '',
    version: 'v1',
    resource,
    subresource: '',
    namespace: '',
    name,
    path: '',
    ...more,
  };
}

/** The user a request acts as. @throws StatusError 400, 403 */
export async function impersonate(
  request: ServerRequest,
  user: UserInfo,
  authorizers: readonly Authorizer[],
): Promise<UserInfo> {
  const { headers } = request;
  const [username] = values(request, 'impersonate-user');
  const groups = values(request, 'impersonate-group');
  const [uid] = values(request, 'impersonate-uid');
  const extraNames = Object.keys(headers).filter((name) => name.startsWith(extraPrefix));
  if (username === undefined) {
    if (groups.length === 0 && uid === undefined && extraNames.length === 0) return user;
    throw badRequest('requested groups, a uid or extra fields without impersonating a user');
  }
  const accountParts = username.startsWith(serviceAccountPrefix)
    ? username.slice(serviceAccountPrefix.length).split(':')
    : [];
  const [namespace, account] = accountParts;
  const isAccount = accountParts.length === 2 && namespace && account;
  await authorize(
    isAccount ? attributes(user, 'serviceaccounts', account, { namespace }) : attributes(user, 'users', username),
    authorizers,
  );
  for (const group of groups) await authorize(attributes(user, 'groups', group), authorizers);
  const authentication = { group: 'authentication.k8s.io' };
  if (uid !== undefined) await authorize(attributes(user, 'uids', uid, authentication), authorizers);
  const extra: Record<string, string[]> = Object.create(null);
  for (const header of extraNames) {
    const key = decodeURIComponent(header.slice(extraPrefix.length));
    extra[key] = values(request, header);
    for (const value of extra[key]) {
      await authorize(attributes(user, 'userextras', value, { ...authentication, subresource: key }), authorizers);
    }
  }
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    groups: groupsOf(username, groups, isAccount ? namespace : undefined),
    ...(extraNames.length > 0 ? { extra } : {}),
  };
}

function groupsOf(username: string, groups: string[], namespace: string | undefined): string[] {
  if (groups.length === 0 && namespace) groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
  const known = groups.includes('system:authenticated') || groups.includes('system:unauthenticated');
  if (known) return groups;
  return [...groups, username === anonymous.username ? 'system:unauthenticated' : 'system:authenticated'];
}
