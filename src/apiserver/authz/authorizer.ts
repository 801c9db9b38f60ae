// May they. Authorizers are asked in order; the first that allows or denies decides, and no opinion at all is a no.
import type { UserInfo } from '../authn/authenticator.ts';

export interface AuthorizationAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly isResource: boolean;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** Non-resource requests only. */
  readonly path: string;
  /** The `fieldSelector` parameter of list, watch and deletecollection: a node may list the pods bound to it, not all. */
  readonly fieldSelector?: string;
}

export interface Decision {
  readonly verdict: 'allow' | 'deny' | 'none';
  readonly reason: string;
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Promise<Decision> | Decision;
}
