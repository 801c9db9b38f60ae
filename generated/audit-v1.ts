// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { UserInfo } from './authentication-v1.ts';
import type { ListMeta, MicroTime, ObjectMeta, Status } from './meta-v1.ts';
import type { Unknown } from './pkg-runtime.ts';

export interface AuthenticationMetadata {
  impersonationConstraint?: string;
}

export interface Event {
  apiVersion?: string;
  kind?: string;
  level: string;
  auditID: string;
  stage: string;
  requestURI: string;
  verb: string;
  user: UserInfo;
  impersonatedUser?: UserInfo;
  authenticationMetadata?: AuthenticationMetadata;
  sourceIPs?: string[];
  userAgent?: string;
  objectRef?: ObjectReference;
  responseStatus?: Status;
  requestObject?: Unknown;
  responseObject?: Unknown;
  requestReceivedTimestamp?: MicroTime;
  stageTimestamp?: MicroTime;
  annotations?: Record<string, string>;
}

export interface EventList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: Event[];
}

export interface GroupResources {
  group?: string;
  resources?: string[];
  resourceNames?: string[];
}

export interface ObjectReference {
  resource?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  apiGroup?: string;
  apiVersion?: string;
  resourceVersion?: string;
  subresource?: string;
}

export interface Policy {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  rules: PolicyRule[];
  omitStages?: string[];
  omitManagedFields?: boolean;
}

export interface PolicyList {
  apiVersion?: string;
  kind?: string;
  metadata: ListMeta;
  items: Policy[];
}

export interface PolicyRule {
  level: string;
  users?: string[];
  userGroups?: string[];
  verbs?: string[];
  resources?: GroupResources[];
  namespaces?: string[];
  nonResourceURLs?: string[];
  omitStages?: string[];
  omitManagedFields?: boolean;
}
