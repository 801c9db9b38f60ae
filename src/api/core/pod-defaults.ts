// Defaults of pods, and of the pod specs inside other kinds, which get fewer of them.
import type { Container, Pod, PodSpec, PodStatus, PodTemplateSpec } from '../../../generated/core-v1.ts';
import { defaultContainer, requestWhatIsLimited } from './container-defaults.ts';
import { podResources } from './effective-resources.ts';
import { defaultResources, roundResources } from './resource-defaults.ts';
import { defaultVolume } from './volume-defaults.ts';

export function defaultPod(pod: Pod): void {
  const spec = pod.spec;
  if (!spec) return;
  for (const container of everyContainer(spec)) requestWhatIsLimited(container.resources);
  defaultPodLevelResources(spec);
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

/**
 * Where something is said for the pod as a whole: huge pages are limited as the containers are together; where there are
 * limits, what the containers request together is requested, else what is limited.
 */
function defaultPodLevelResources({ resources, containers = [], initContainers }: PodSpec): void {
  if (!resources || (!hasAny(resources.limits) && !hasAny(resources.requests))) return;
  const ofContainers: PodSpec = { containers, ...(initContainers ? { initContainers } : {}) };
  for (const [name, sum] of podResources(ofContainers, 'limits')) {
    if (!name.startsWith('hugepages-') || resources.requests?.[name] !== undefined) continue;
    resources.limits ??= {};
    resources.limits[name] ??= sum.toString();
  }
  if (!hasAny(resources.limits)) return;
  resources.requests ??= {};
  const { requests } = resources;
  for (const [name, sum] of podResources(ofContainers, 'requests'))
    if (name === 'cpu' || name === 'memory') requests[name] ??= sum.toString();
  for (const name in resources.limits) if (isPodLevelResource(name)) requests[name] ??= resources.limits[name]!;
  if (!hasAny(requests)) delete resources.requests;
}

const hasAny = (list: object | undefined): boolean => Object.keys(list ?? {}).length > 0;

const isPodLevelResource = (name: string): boolean =>
  name === 'cpu' || name === 'memory' || name.startsWith('hugepages-');
