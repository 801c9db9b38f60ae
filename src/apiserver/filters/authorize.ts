// May they: the request as attributes, and the refusal when nobody allows it.
import type { UserInfo } from '../authn/authenticator.ts';
import { readFieldSelector, readLabelSelector, requiredValue } from '../authz/asked-selectors.ts';
import type { AuthorizationAttributes, Authorizer } from '../authz/authorizer.ts';
import { forbiddenAccess } from '../authz/forbidden.ts';
import type { RequestInfo } from '../request-info.ts';

const selectingVerbs = new Set(['list', 'watch', 'deletecollection']);

export function attributesOf(info: RequestInfo, user: UserInfo, query: URLSearchParams): AuthorizationAttributes {
  const { verb, isResource, group, version, resource, subresource, namespace, name, path } = info;
  const asked = { user, verb, isResource, group, version, resource, subresource, namespace, name, path };
  if (!isResource || !selectingVerbs.has(verb)) return asked;
  const fields = query.get('fieldSelector');
  const labels = query.get('labelSelector');
  if (!fields && !labels) return asked;
  // Read when an authorizer looks at them, which few do: the verb reads them anyway.
  return {
    ...asked,
    name: name || (fields?.includes('metadata.name') ? pinnedName(readFieldSelector(fields)) : ''),
    get fieldSelector() {
      return readFieldSelector(fields);
    },
    get labelSelector() {
      return readLabelSelector(labels);
    },
  };
}

/** A list or watch of one name is authorized as a look at that object. */
function pinnedName(selector: AuthorizationAttributes['fieldSelector']): string {
  const pinned = requiredValue(selector, 'metadata.name');
  return pinned === '.' || pinned === '..' || /[/%]/.test(pinned) ? '' : pinned;
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
