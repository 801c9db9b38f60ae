// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { ObjectMeta } from './meta-v1.ts';

export interface ImageReview {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec: ImageReviewSpec;
  status?: ImageReviewStatus;
}

export interface ImageReviewContainerSpec {
  image?: string;
}

export interface ImageReviewSpec {
  containers?: ImageReviewContainerSpec[];
  annotations?: Record<string, string>;
  namespace?: string;
}

export interface ImageReviewStatus {
  allowed?: boolean;
  reason?: string;
  auditAnnotations?: Record<string, string>;
}
