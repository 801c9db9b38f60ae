// `authorizer` and `authorizer.requestResource`: the server's own authorizer, asked about the request's user.
import {
  type AuthorizationAnswer,
  type AuthorizationQuestion,
  authorizerValues,
} from '../../../schema/cel/library/authorization.ts';
import type { UserInfo } from '../../authn/authenticator.ts';
import { readFieldSelector } from '../../authz/asked-selectors.ts';
import type { Authorizer, Decision } from '../../authz/authorizer.ts';
import type { AdmissionRequest } from '../plugin.ts';

/** A service account that expressions ask about in place of the user. */
function accountOf({ namespace, name }: { namespace: string; name: string }): UserInfo {
  return {
    username: `system:serviceaccount:${namespace}:${name}`,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
  };
}

const answerOf = ({ verdict, reason }: Decision): AuthorizationAnswer => ({
  isAllowed: verdict === 'allow',
  ...(reason ? { reason } : {}),
});

export interface AuthorizerBindings {
  readonly values: ReturnType<typeof authorizerValues>;
  /** The last answer that has to be waited for. */
  readonly pending: () => Promise<unknown> | undefined;
}

/** For one request: each question is asked once, whichever policies ask it. */
export function authorizerBindings(authorizer: Authorizer, request: AdmissionRequest): AuthorizerBindings {
  let pending: Promise<unknown> | undefined;
  const ask = (question: AuthorizationQuestion) => {
    const { path = '', resource = '', serviceAccount } = question;
    const fieldSelector = readFieldSelector(question.fieldSelector);
    const decision = authorizer.authorize({
      user: serviceAccount ? accountOf(serviceAccount) : request.user,
      verb: question.verb,
      isResource: resource !== '',
      group: question.group ?? '',
      version: '*',
      resource,
      subresource: question.subresource ?? '',
      namespace: question.namespace ?? '',
      name: question.name ?? '',
      path,
      ...(fieldSelector ? { fieldSelector } : {}),
    });
    if (!(decision instanceof Promise)) return answerOf(decision);
    const answer = decision.then(answerOf);
    pending = answer;
    return answer;
  };
  const { resource, subresource, namespace, name } = request;
  const about = { group: resource.group, resource: resource.plural, subresource, namespace, name };
  return { values: authorizerValues(ask, about), pending: () => pending };
}
