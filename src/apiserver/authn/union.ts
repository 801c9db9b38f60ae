// Who is asking: the first authenticator that knows the caller; nobody at all is system:anonymous, who may see health and version.
import { unauthorized } from '../../api/meta/status-error.ts';
import type { Authenticator, UserInfo } from './authenticator.ts';
import { anonymousUser, withAuthenticatedGroup } from './users.ts';

/** Throws 401 for a credential that nobody knows; a request without one is anonymous. */
export function unionAuthenticator(authenticators: readonly Authenticator[]): Authenticator & {
  authenticate(...args: Parameters<Authenticator['authenticate']>): Promise<UserInfo>;
} {
  return {
    async authenticate(credentials) {
      for (const authenticator of authenticators) {
        const user = await authenticator.authenticate(credentials);
        if (user) return withAuthenticatedGroup(user);
      }
      if (credentials.bearerToken !== undefined) throw unauthorized();
      return anonymousUser;
    },
  };
}
