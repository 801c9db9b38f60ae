// May they. The first authorizer with an opinion decides; none is a no, in upstream's words.

import { goQuote } from '../../api/meta/field-errors.ts';
import { forbidden, StatusError } from '../../api/meta/status-error.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { AuthorizationAttributes, Authorizer } from '../authz/authorizer.ts';
import type { RequestInfo } from '../request-info.ts';

export function attributesOf(info: RequestInfo, user: UserInfo, name = info.name): AuthorizationAttributes {
  return {
    user,
    verb: info.verb,
    isResource: info.isResource,
    group: info.group,
    version: info.version,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name,
    path: info.path,
  };
}

/** @throws StatusError 403 */
export async function authorize(
  attributes: AuthorizationAttributes,
  authorizers: readonly Authorizer[],
): Promise<void> {
  const reasons: string[] = [];
  for (const authorizer of authorizers) {
    const asked = authorizer.authorize(attributes);
    const { verdict, reason } = asked instanceof Promise ? await asked : asked;
    if (verdict === 'allow') return;
    if (reason) reasons.push(reason);
    if (verdict === 'deny') break;
  }
  throw refusal(attributes, reasons.join('\n'));
}

/** The 403 for attributes that nobody allows. */
export function refusal(attributes: AuthorizationAttributes, reason: string): StatusError {
  const { user, verb, group, namespace, name } = attributes;
  const who = `User ${goQuote(user.username)} cannot ${verb}`;
  const why = reason ? `: ${reason}` : '';
  if (!attributes.isResource) {
    return new StatusError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `forbidden: ${who} path ${goQuote(attributes.path)}${why}`,
      reason: 'Forbidden',
      details: {},
      code: 403,
    });
  }
  const resource = attributes.subresource ? `${attributes.resource}/${attributes.subresource}` : attributes.resource;
  const where = namespace ? ` in the namespace ${goQuote(namespace)}` : ' at the cluster scope';
  const problem = `${who} resource ${goQuote(resource)} in API group ${goQuote(group)}${where}${why}`;
  const error = forbidden({ group, name: attributes.resource }, name, problem);
  return error;
}
