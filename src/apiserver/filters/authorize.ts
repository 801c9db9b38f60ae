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

/** `annotate`: notes the decision for the audit log. @throws StatusError 403 */
export async function authorize(
  attributes: AuthorizationAttributes,
  authorizer: Authorizer,
  annotate?: (key: string, value: string) => void,
): Promise<void> {
  const asked = authorizer.authorize(attributes);
  const { verdict, reason } = asked instanceof Promise ? await asked : asked;
  if (annotate) {
    annotate('authorization.k8s.io/decision', verdict === 'allow' ? 'allow' : 'forbid');
    annotate('authorization.k8s.io/reason', reason);
  }
  if (verdict === 'allow') return;
  const error = forbiddenAccess(attributes, reason);
  // Upstream leaves the details of a path's refusal empty.
  if (!attributes.isResource) error.status.details = {};
  throw error;
}
