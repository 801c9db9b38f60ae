// May they. Authorizers are asked in order; the first that allows or denies decides, and no opinion at all is a no.
import type { NonResourceRule, ResourceRule } from '../../../generated/authorization-v1.ts';
import type { Requirement } from '../../api/meta/labels.ts';
import type { FieldRequirement } from '../../api/meta/selectors.ts';
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
  /** What list, watch and deletecollection are narrowed to: a node may list the pods bound to it, not all. */
  readonly fieldSelector?: readonly FieldRequirement[] | undefined;
  readonly labelSelector?: readonly Requirement[] | undefined;
}

export interface Decision {
  readonly verdict: 'allow' | 'deny' | 'none';
  readonly reason: string;
}

/** What a user may do, as far as an authorizer can list it. */
export interface UserRules {
  readonly resourceRules: readonly ResourceRule[];
  readonly nonResourceRules: readonly NonResourceRule[];
  /** They may do more than is listed. */
  readonly incomplete: boolean;
  readonly errors: readonly string[];
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Promise<Decision> | Decision;
  /** Absent: it lists nothing. */
  rulesFor?(user: UserInfo, namespace: string): UserRules;
}
