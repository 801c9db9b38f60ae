// Generated from facts/ by scripts/generate-types.ts. Do not edit.
import type { GroupVersionKind, GroupVersionResource, Status } from './meta-v1.ts';
import type { UserInfo } from './authentication-v1.ts';
import type { RawExtension } from './pkg-runtime.ts';

export interface AdmissionRequest {
  uid?: string;
  kind?: GroupVersionKind;
  resource?: GroupVersionResource;
  subResource?: string;
  requestKind?: GroupVersionKind;
  requestResource?: GroupVersionResource;
  requestSubResource?: string;
  name?: string;
  namespace?: string;
  operation?: string;
  userInfo?: UserInfo;
  object?: RawExtension;
  oldObject?: RawExtension;
  dryRun?: boolean;
  options?: RawExtension;
}

export interface AdmissionResponse {
  uid?: string;
  allowed?: boolean;
  status?: Status;
  patch?: string;
  patchType?: string;
  auditAnnotations?: Record<string, string>;
  warnings?: string[];
}

export interface AdmissionReview {
  apiVersion?: string;
  kind?: string;
  request?: AdmissionRequest;
  response?: AdmissionResponse;
}
