// The admission plugins in upstream's order: those that fill in first, those that count last.
import type { Random } from '../../../base/random.ts';
import type { Authorizer } from '../../authz/authorizer.ts';
import type { RbacRules } from '../../authz/rbac-rules.ts';
import type { AdmissionPlugin } from '../plugin.ts';
import { mutatingPolicies } from '../policies/mutating.ts';
import { validatingPolicies } from '../policies/validating.ts';
import { mutatingWebhooks } from '../webhooks/mutating.ts';
import type { WebhookParts } from '../webhooks/parts.ts';
import { validatingWebhooks } from '../webhooks/validating.ts';
import {
  certificateApproval,
  certificateRequester,
  certificateSigning,
  certificateSubjectRestriction,
} from './certificates.ts';
import { claimResize } from './claim-resize.ts';
import { claimStatusRights } from './claim-status-rights.ts';
import { defaultTolerationSeconds } from './default-toleration-seconds.ts';
import { deviceAdminAccess } from './device-admin-access.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeDeclaredFeatures } from './node-declared-features.ts';
import { nodeRestriction } from './node-restriction.ts';
import { podResizeValidator } from './pod-resize.ts';
import { podSecurity } from './pod-security.ts';
import { podTopologyLabels } from './pod-topology-labels.ts';
import { priority } from './priority.ts';
import { rbacEscalation } from './rbac-escalation.ts';
import { resourceQuota, type SaveQuota } from './resource-quota.ts';
import { serviceAccount } from './service-account.ts';
import {
  defaultIngressClass,
  defaultStorageClass,
  runtimeClass,
  storageObjectInUseProtection,
} from './small-defaults.ts';
import { taintNodesByCondition } from './taint-nodes-by-condition.ts';
import { verticalPodAutoscaler } from './vertical-pod-autoscaler.ts';

export interface AdmissionOptions {
  readonly authorizer: Authorizer;
  readonly rules: RbacRules;
  readonly random: Random;
  readonly saveQuota: SaveQuota;
  readonly webhooks: WebhookParts;
}

export function admissionPlugins({
  authorizer,
  rules,
  random,
  saveQuota,
  webhooks,
}: AdmissionOptions): readonly AdmissionPlugin[] {
  return [
    namespaceLifecycle,
    limitRanger,
    serviceAccount(random),
    nodeRestriction(authorizer),
    taintNodesByCondition,
    podSecurity,
    priority,
    defaultTolerationSeconds,
    defaultStorageClass,
    storageObjectInUseProtection,
    claimResize,
    runtimeClass,
    certificateRequester,
    certificateApproval(authorizer),
    certificateSigning(authorizer),
    certificateSubjectRestriction,
    defaultIngressClass,
    podTopologyLabels,
    nodeDeclaredFeatures,
    podResizeValidator,
    mutatingPolicies(authorizer),
    // A webhook, upstream.
    verticalPodAutoscaler,
    mutatingWebhooks(webhooks),
    // In the storage layer of upstream: it judges what the webhooks have left.
    rbacEscalation(authorizer, rules),
    deviceAdminAccess,
    claimStatusRights(authorizer),
    validatingPolicies(authorizer),
    validatingWebhooks(webhooks),
    resourceQuota(saveQuota),
  ];
}
