// Defaults of pods, and of the pod specs inside other kinds, which get fewer of them.
import type { Container, Pod, PodSpec, PodStatus, PodTemplateSpec } from '../../../generated/core-v1.ts';
import { defaultContainer, requestWhatIsLimited } from './container-defaults.ts';
import { sumOfRequests } from './pod-resources.ts';
import { defaultResources, roundResources } from './resource-defaults.ts';
import { defaultVolume } from './volume-defaults.ts';

export function defaultPod(pod: Pod): void {
  const spec = pod.spec;
  if (!spec) return;
  for (const container of everyContainer(spec)) requestWhatIsLimited(container.resources);
  defaultPodLevelRequests(spec);
  spec.enableServiceLinks ??= true;
  if (spec.hostNetwork) for (const container of everyContainer(spec)) exposeOnHost(container);
  defaultPodSpec(spec);
  roundStatus(pod.status);
}

function roundStatus(status: PodStatus | undefined): void {
  if (!status) return;
  roundResources(status.allocatedResources);
  defaultResources(status.resources);
  for (const list of ['initContainerStatuses', 'containerStatuses', 'ephemeralContainerStatuses'] as const) {
    for (const container of status[list] ?? []) {
      // Behind a gate that is off.
      for (const mount of container.volumeMounts ?? []) delete mount.volumeStatus;
      roundResources(container.allocatedResources);
      defaultResources(container.resources);
    }
  }
}

/** `template` of every kind that makes pods. */
export function defaultPodTemplate(template: PodTemplateSpec | undefined): void {
  if (!template) return;
  template.spec ??= {} as PodSpec;
  defaultPodSpec(template.spec);
}

export function defaultPodSpec(spec: PodSpec): void {
  spec.dnsPolicy ||= 'ClusterFirst';
  spec.restartPolicy ||= 'Always';
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= 'default-scheduler';
  copyServiceAccount(spec);
  delete spec.schedulingGroup; // behind a gate that is off
  for (const volume of spec.volumes ?? []) defaultVolume(volume);
  for (const container of everyContainer(spec)) defaultContainer(container);
  for (const container of spec.ephemeralContainers ?? []) defaultContainer(container);
  roundResources(spec.overhead);
  defaultResources(spec.resources);
}

/** `serviceAccount` is the old name of `serviceAccountName`; both are always written, the new one counts. */
export function copyServiceAccount(spec: PodSpec): void {
  const name = spec.serviceAccountName || spec.serviceAccount;
  if (!name) return;
  spec.serviceAccountName = name;
  spec.serviceAccount = name;
}

function everyContainer(spec: PodSpec): Container[] {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
}

function exposeOnHost(container: Container): void {
  for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
}

/** A pod-level limit without a request: the containers' requests when they all have one, else the limit. */
function defaultPodLevelRequests(spec: PodSpec): void {
  const resources = spec.resources;
  if (!resources || (!resources.limits && !resources.requests)) return;
  resources.requests ??= {};
  const requests = resources.requests;
  for (const [name, sum] of sumOfRequests(spec)) if (isPodLevelResource(name)) requests[name] ??= sum;
  for (const name in resources.limits) {
    if (isPodLevelResource(name)) requests[name] ??= resources.limits[name]!;
  }
}

const isPodLevelResource = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
