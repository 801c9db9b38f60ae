// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { ObjectMeta } from './meta-v1.ts';
import type { UserInfo } from './authentication-v1.ts';

export interface SelfSubjectReview {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  status?: SelfSubjectReviewStatus;
}

export interface SelfSubjectReviewStatus {
  userInfo?: UserInfo;
}
