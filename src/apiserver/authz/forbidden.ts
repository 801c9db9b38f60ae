import { goQuote } from '../../api/meta/field-errors.ts';
import { forbidden, type StatusError } from '../../api/meta/status-error.ts';
import type { AuthorizationAttributes } from './authorizer.ts';

/** The 403 of a request that no authorizer allowed, in upstream's words. */
export function forbiddenAccess(attributes: AuthorizationAttributes, reason: string): StatusError {
  const { group, resource, name, isResource } = attributes;
  const problem = describe(attributes) + (reason ? `: ${reason}` : '');
  return isResource
    ? forbidden({ group, name: resource }, name, problem)
    : forbidden({ group: '', name: '' }, '', problem);
}

function describe({
  user,
  verb,
  isResource,
  group,
  resource,
  subresource,
  namespace,
  path,
}: AuthorizationAttributes): string {
  const who = `User ${goQuote(user.username)} cannot ${verb}`;
  if (!isResource) return `${who} path ${goQuote(path)}`;
  const what = goQuote(subresource ? `${resource}/${subresource}` : resource);
  const where = namespace ? `in the namespace ${goQuote(namespace)}` : 'at the cluster scope';
  return `${who} resource ${what} in API group ${goQuote(group)} ${where}`;
}
