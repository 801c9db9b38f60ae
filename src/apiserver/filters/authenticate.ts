// Who asks. Every authenticated caller is in system:authenticated; a caller without credentials is system:anonymous.
import { unauthorized } from '../../api/meta/status-error.ts';
import type { Authenticator, UserInfo } from '../authn/authenticator.ts';
import type { ServerRequest } from '../http/exchange.ts';

export const anonymous: UserInfo = Object.freeze({
  username: 'system:anonymous',
  groups: Object.freeze(['system:unauthenticated']),
});

const authenticatedGroup = 'system:authenticated';

function withAuthenticatedGroup(user: UserInfo): UserInfo {
  if (user.groups.includes(authenticatedGroup) || user.username === anonymous.username) return user;
  return { ...user, groups: [...user.groups, authenticatedGroup] };
}

/** @throws StatusError 401 for credentials that nobody vouches for */
export async function authenticate(
  request: ServerRequest,
  authenticators: readonly Authenticator[],
): Promise<UserInfo> {
  if (request.trustedUser) return withAuthenticatedGroup(request.trustedUser);
  const credentials = request.credentials();
  if (!credentials.certificate && credentials.bearerToken === undefined) return anonymous;
  for (const authenticator of authenticators) {
    const user = await authenticator.authenticate(credentials);
    if (user) return withAuthenticatedGroup(user);
  }
  throw unauthorized();
}
