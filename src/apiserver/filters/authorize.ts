// May they: the request as attributes, and the refusal when nobody allows it.
import type { UserInfo } from '../authn/authenticator.ts';
import type { AuthorizationAttributes, Authorizer } from '../authz/authorizer.ts';
import { forbiddenAccess } from '../authz/forbidden.ts';
import type { RequestInfo } from '../request-info.ts';

export function attributesOf(
  info: RequestInfo,
  user: UserInfo,
  name: string,
  fieldSelector = '',
): AuthorizationAttributes {
  const { verb, isResource, group, version, resource, subresource, namespace, path } = info;
  return { user, verb, isResource, group, version, resource, subresource, namespace, name, path, fieldSelector };
}

/** @throws StatusError 403 */
export async function authorize(attributes: AuthorizationAttributes, authorizer: Authorizer): Promise<void> {
  const asked = authorizer.authorize(attributes);
  const { verdict, reason } = asked instanceof Promise ? await asked : asked;
  if (verdict === 'allow') return;
  const error = forbiddenAccess(attributes, reason);
  // Upstream leaves the details of a path's refusal empty.
  if (!attributes.isResource) error.status.details = {};
  throw error;
}
