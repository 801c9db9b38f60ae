// Every built-in kind that has rules of its own. A kind that is not here is served by its facts alone.

import { mutatingAdmissionPolicyKind } from './admissionregistration/mutating-admission-policy.ts';
import { mutatingAdmissionPolicyBindingKind } from './admissionregistration/mutating-admission-policy-binding.ts';
import { mutatingWebhookConfigurationKind } from './admissionregistration/mutating-webhook-configuration.ts';
import { validatingAdmissionPolicyKind } from './admissionregistration/validating-admission-policy.ts';
import { validatingAdmissionPolicyBindingKind } from './admissionregistration/validating-admission-policy-binding.ts';
import { validatingWebhookConfigurationKind } from './admissionregistration/validating-webhook-configuration.ts';
import { customResourceDefinitionKind } from './apiextensions/custom-resource-definition.ts';
import { apiServiceKind } from './apiregistration/api-service.ts';
import { controllerRevisionKind } from './apps/controller-revision.ts';
import { daemonSetKind } from './apps/daemon-set.ts';
import { deploymentKind } from './apps/deployment.ts';
import { replicaSetKind } from './apps/replica-set.ts';
import { statefulSetKind } from './apps/stateful-set.ts';
import {
  localSubjectAccessReviewKind,
  selfSubjectAccessReviewKind,
  subjectAccessReviewKind,
} from './authorization/access-review.ts';
import { horizontalPodAutoscalerKind } from './autoscaling/horizontal-pod-autoscaler.ts';
import { cronJobKind } from './batch/cron-job.ts';
import { jobKind } from './batch/job.ts';
import { certificateSigningRequestKind } from './certificates/certificate-signing-request.ts';
import { leaseKind } from './coordination/lease.ts';
import { componentStatusKind } from './core/component-status.ts';
import { configMapKind } from './core/config-map.ts';
import { endpointsKind } from './core/endpoints.ts';
import { eventKind } from './core/event.ts';
import { limitRangeKind } from './core/limit-range.ts';
import { namespaceKind } from './core/namespace.ts';
import { nodeKind } from './core/node.ts';
import { persistentVolumeKind } from './core/persistent-volume.ts';
import { persistentVolumeClaimKind } from './core/persistent-volume-claim.ts';
import { podKind } from './core/pod.ts';
import { podTemplateKind } from './core/pod-template.ts';
import { replicationControllerKind } from './core/replication-controller.ts';
import { resourceQuotaKind } from './core/resource-quota.ts';
import { secretKind } from './core/secret.ts';
import { serviceKind } from './core/service.ts';
import { serviceAccountKind } from './core/service-account.ts';
import { endpointSliceKind } from './discovery/endpoint-slice.ts';
import { flowSchemaKind } from './flowcontrol/flow-schema.ts';
import { priorityLevelConfigurationKind } from './flowcontrol/priority-level-configuration.ts';
import type { KindDefinition } from './kind.ts';
import { ingressKind } from './networking/ingress.ts';
import { ingressClassKind } from './networking/ingress-class.ts';
import { ipAddressKind } from './networking/ip-address.ts';
import { networkPolicyKind } from './networking/network-policy.ts';
import { serviceCidrKind } from './networking/service-cidr.ts';
import { runtimeClassKind } from './node/runtime-class.ts';
import { podDisruptionBudgetKind } from './policy/pod-disruption-budget.ts';
import { clusterRoleKind } from './rbac/cluster-role.ts';
import { clusterRoleBindingKind } from './rbac/cluster-role-binding.ts';
import { roleKind } from './rbac/role.ts';
import { roleBindingKind } from './rbac/role-binding.ts';
import { deviceClassKind } from './resource/device-class.ts';
import { resourceClaimKind } from './resource/resource-claim.ts';
import { resourceClaimTemplateKind } from './resource/resource-claim-template.ts';
import { resourceSliceKind } from './resource/resource-slice.ts';
import { priorityClassKind } from './scheduling/priority-class.ts';
import { csiDriverKind } from './storage/csi-driver.ts';
import { csiNodeKind } from './storage/csi-node.ts';
import { csiStorageCapacityKind } from './storage/csi-storage-capacity.ts';
import { storageClassKind } from './storage/storage-class.ts';
import { volumeAttachmentKind } from './storage/volume-attachment.ts';
import { volumeAttributesClassKind } from './storage/volume-attributes-class.ts';

export const kindDefinitions: readonly KindDefinition[] = [
  componentStatusKind,
  configMapKind,
  endpointsKind,
  eventKind,
  limitRangeKind,
  namespaceKind,
  nodeKind,
  persistentVolumeClaimKind,
  persistentVolumeKind,
  podTemplateKind,
  podKind,
  replicationControllerKind,
  resourceQuotaKind,
  secretKind,
  serviceAccountKind,
  serviceKind,
  controllerRevisionKind,
  daemonSetKind,
  deploymentKind,
  replicaSetKind,
  statefulSetKind,
  cronJobKind,
  jobKind,
  clusterRoleBindingKind,
  clusterRoleKind,
  roleBindingKind,
  roleKind,
  ingressClassKind,
  ingressKind,
  ipAddressKind,
  networkPolicyKind,
  serviceCidrKind,
  podDisruptionBudgetKind,
  horizontalPodAutoscalerKind,
  csiDriverKind,
  csiNodeKind,
  csiStorageCapacityKind,
  storageClassKind,
  volumeAttachmentKind,
  volumeAttributesClassKind,
  priorityClassKind,
  leaseKind,
  endpointSliceKind,
  runtimeClassKind,
  mutatingAdmissionPolicyBindingKind,
  mutatingAdmissionPolicyKind,
  mutatingWebhookConfigurationKind,
  validatingAdmissionPolicyBindingKind,
  validatingAdmissionPolicyKind,
  validatingWebhookConfigurationKind,
  certificateSigningRequestKind,
  customResourceDefinitionKind,
  apiServiceKind,
  flowSchemaKind,
  priorityLevelConfigurationKind,
  subjectAccessReviewKind,
  selfSubjectAccessReviewKind,
  localSubjectAccessReviewKind,
  deviceClassKind,
  resourceClaimTemplateKind,
  resourceClaimKind,
  resourceSliceKind,
];
