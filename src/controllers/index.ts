// The controllers of a cluster. To add one: write its file, and one line here.
import type { ControllerDefinition } from '../reconcile/controller.ts';
import { admissionPolicyStatusController } from './admission-policy-status.ts';
import { attachDetachController } from './attach-detach.ts';
import { bootstrapSigner } from './bootstrap-signer.ts';
import { certificateApprovingController } from './certificate-approving.ts';
import { certificateCleaner } from './certificate-cleaner.ts';
import { certificateSigningController } from './certificate-signing.ts';
import { clusterRoleAggregation } from './cluster-role-aggregation.ts';
import type { ControllersConfig } from './config.ts';
import { cronJobController } from './cron-job.ts';
import { daemonSetController } from './daemon-set.ts';
import { deploymentController } from './deployment.ts';
import { deviceTaintEvictionController } from './device-taint-eviction.ts';
import { disruptionController } from './disruption.ts';
import { endpointSliceController } from './endpoint-slice.ts';
import { endpointSliceMirroringController } from './endpoint-slice-mirroring.ts';
import { endpointsController } from './endpoints.ts';
import { ephemeralVolumeController } from './ephemeral-volume.ts';
import { garbageCollector } from './garbage-collector.ts';
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts';
import { jobController } from './job.ts';
import { legacyServiceAccountTokenCleaner } from './legacy-service-account-token-cleaner.ts';
import { namespaceController } from './namespace.ts';
import { nodeCertificateApproving } from './node-certificate-approving.ts';
import { nodeIpamController } from './node-ipam.ts';
import { nodeLifecycleController } from './node-lifecycle.ts';
import { nodeTtlController } from './node-ttl.ts';
import { podGarbageCollector } from './pod-gc.ts';
import { pvProtectionController } from './pv-protection.ts';
import { pvcProtectionController } from './pvc-protection.ts';
import { replicaSetController } from './replica-set.ts';
import { replicationControllerController } from './replication-controller.ts';
import { resourceClaimController } from './resource-claim.ts';
import { resourceQuotaController } from './resource-quota.ts';
import { rootCaPublisher } from './root-ca-publisher.ts';
import { serviceAccountController } from './service-account.ts';
import { serviceAccountTokenController } from './service-account-token.ts';
import { serviceCidrController } from './service-cidr.ts';
import { serviceLoadBalancer } from './service-load-balancer.ts';
import { statefulSetController } from './stateful-set.ts';
import { taintEvictionController } from './taint-eviction.ts';
import { tokenCleaner } from './token-cleaner.ts';
import { ttlAfterFinishedController } from './ttl-after-finished.ts';
import { vacProtectionController } from './vac-protection.ts';
import { verticalPodAutoscaler } from './vertical-pod-autoscaler.ts';
import { volumeBinderController } from './volume-binder.ts';
import { volumeExpandController } from './volume-expand.ts';

export type { ControllersConfig } from './config.ts';

/** All of them, for a cluster that is set up like this. */
export function createControllers(config: ControllersConfig): readonly ControllerDefinition[] {
  return [
    serviceAccountController,
    serviceAccountTokenController(config.rootCa),
    legacyServiceAccountTokenCleaner,
    ...(config.rootCa ? [rootCaPublisher(config.rootCa)] : []),
    bootstrapSigner,
    tokenCleaner,
    deploymentController,
    replicaSetController,
    replicationControllerController,
    daemonSetController,
    statefulSetController,
    jobController,
    cronJobController,
    ttlAfterFinishedController,
    endpointsController,
    endpointSliceController,
    endpointSliceMirroringController,
    namespaceController,
    garbageCollector,
    nodeTtlController,
    nodeLifecycleController(config.nodeMonitorGracePeriodSeconds),
    ...(config.clusterCidr ? [nodeIpamController(config.clusterCidr, config.nodeCidrMaskSize)] : []),
    ...(config.loadBalancerRanges ? [serviceLoadBalancer(config.loadBalancerRanges)] : []),
    taintEvictionController,
    podGarbageCollector,
    volumeBinderController,
    volumeExpandController,
    attachDetachController,
    ephemeralVolumeController,
    pvcProtectionController,
    pvProtectionController,
    vacProtectionController,
    resourceClaimController,
    deviceTaintEvictionController,
    disruptionController,
    horizontalPodAutoscaler,
    verticalPodAutoscaler,
    clusterRoleAggregation,
    admissionPolicyStatusController,
    resourceQuotaController,
    serviceCidrController,
    certificateApprovingController,
    nodeCertificateApproving,
    certificateCleaner,
    ...(config.signer ? [certificateSigningController(config.signer, config.signingSeconds)] : []),
  ];
}
