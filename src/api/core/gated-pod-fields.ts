// Fields of pods that clusters do not have unless they are asked to: taken out when an object is stored, after managers were
// credited with them, so that who sent one owns it all the same.
import type {
  Container,
  ContainerStatus,
  EphemeralContainer,
  PodSpec,
  PodStatus,
  PodTemplateSpec,
} from '../../../generated/core-v1.ts';
import { allContainers } from './pod-references.ts';

export function dropGatedPodFields(spec: PodSpec | undefined): void {
  if (!spec) return;
  delete spec.schedulingGroup;
  for (const { projected } of spec.volumes ?? []) {
    for (const source of projected?.sources ?? []) {
      delete source.clusterTrustBundle;
      delete source.podCertificate;
    }
  }
  for (const container of allContainers(spec)) dropStopSignal(container);
}

export const dropGatedTemplateFields = (template: PodTemplateSpec | undefined): void =>
  dropGatedPodFields(template?.spec);

function dropStopSignal(container: Container | EphemeralContainer): void {
  const { lifecycle } = container;
  if (lifecycle?.stopSignal === undefined) return;
  delete lifecycle.stopSignal;
  if (!lifecycle.preStop && !lifecycle.postStart) delete container.lifecycle;
}

export function dropGatedPodStatus(status: PodStatus | undefined): void {
  if (!status) return;
  delete status.nodeAllocatableResourceClaimStatuses;
  const { initContainerStatuses, containerStatuses, ephemeralContainerStatuses } = status;
  for (const statuses of [initContainerStatuses, containerStatuses, ephemeralContainerStatuses]) {
    for (const each of statuses ?? []) dropVolumeStatus(each);
  }
}

function dropVolumeStatus({ volumeMounts }: ContainerStatus): void {
  for (const mount of volumeMounts ?? []) delete mount.volumeStatus;
}
