// What an object counts for in a ResourceQuota.
import type {
  PersistentVolumeClaim,
  Pod,
  ScopedResourceSelectorRequirement,
  Service,
} from '../../../generated/core-v1.ts';
import type { ResourceClaim } from '../../../generated/resource-v1.ts';
import type { KubernetesObject } from '../meta/object.ts';
import { Quantity, quantityOf } from '../meta/quantity.ts';
import { podResources, type Resources } from './effective-resources.ts';
import { isFinished } from './pod-phase.ts';

/** What is needed of a resource to know how its objects count. */
export interface Countable {
  readonly storage: { readonly group: string; readonly plural: string };
}

const one = Quantity.ofUnits(1);
/** Kinds that may be counted by their bare name as well as by `count/…`. */
const countedByName = new Set([
  'configmaps',
  'secrets',
  'replicationcontrollers',
  'resourcequotas',
  'services',
  'persistentvolumeclaims',
  'pods',
]);
const bareCompute = new Set(['cpu', 'memory', 'ephemeral-storage']);

export function usageOf({ storage }: Countable, object: KubernetesObject): Map<string, Quantity> {
  const usage = new Map<string, Quantity>();
  if (storage.plural === 'pods' && !storage.group && isFinished(object as Pod)) {
    usage.set('count/pods', one);
    return usage;
  }
  usage.set(`count/${storage.plural}${storage.group ? `.${storage.group}` : ''}`, one);
  if (storage.plural === 'resourceclaims' && storage.group === 'resource.k8s.io')
    addDevices(usage, object as ResourceClaim);
  if (storage.group) return usage;
  if (countedByName.has(storage.plural)) usage.set(storage.plural, one);
  if (storage.plural === 'pods') addPod(usage, object as Pod);
  if (storage.plural === 'services') addService(usage, object as Service);
  if (storage.plural === 'persistentvolumeclaims') addClaim(usage, object as PersistentVolumeClaim);
  return usage;
}

function addPod(usage: Map<string, Quantity>, { spec }: Pod): void {
  for (const [name, value] of podResources(spec, 'requests')) {
    usage.set(`requests.${name}`, value);
    if (bareCompute.has(name) || name.startsWith('hugepages-')) usage.set(name, value);
  }
  for (const [name, value] of podResources(spec, 'limits')) {
    if (bareCompute.has(name)) usage.set(`limits.${name}`, value);
  }
}

function addService(usage: Map<string, Quantity>, { spec }: Service): void {
  const ports = Quantity.ofUnits(spec?.ports?.length ?? 0);
  const isBalanced = spec?.type === 'LoadBalancer';
  const hasPorts = spec?.type === 'NodePort' || (isBalanced && spec?.allocateLoadBalancerNodePorts !== false);
  usage.set('services.nodeports', hasPorts ? ports : Quantity.zero);
  usage.set('services.loadbalancers', isBalanced ? one : Quantity.zero);
}

function addClaim(usage: Map<string, Quantity>, { spec }: PersistentVolumeClaim): void {
  const storage = quantityOf(spec?.resources?.requests?.['storage']);
  usage.set('requests.storage', storage);
  if (!spec?.storageClassName) return;
  const prefix = `${spec.storageClassName}.storageclass.storage.k8s.io`;
  usage.set(`${prefix}/requests.storage`, storage);
  usage.set(`${prefix}/persistentvolumeclaims`, one);
}

/** As many as a claim can be given at most: what `All` may come to. */
const mostDevices = 32;

/** Of several that would do, the worst counts for each class. */
function addDevices(usage: Map<string, Quantity>, { spec }: ResourceClaim): void {
  for (const { exactly, firstAvailable } of spec.devices?.requests ?? []) {
    const most = new Map<string, number>();
    for (const { deviceClassName, allocationMode, count = 1 } of exactly ? [exactly] : (firstAvailable ?? [])) {
      const devices = allocationMode === 'All' ? mostDevices : Number(count);
      most.set(deviceClassName, Math.max(devices, most.get(deviceClassName) ?? 0));
    }
    for (const [name, devices] of most) {
      const key = `${name}.deviceclass.resource.k8s.io/devices`;
      usage.set(key, (usage.get(key) ?? Quantity.zero).plus(Quantity.ofUnits(devices)));
    }
  }
}

const mustBeSaid = new Set(['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory']);

/** Compute resources of the quota that a container leaves open: `limits.memory for: app; requests.cpu for: app`. */
export function unspecified({ spec }: Pod, hard: Iterable<string>): string {
  const missing: string[] = [];
  for (const name of [...hard].filter((each) => mustBeSaid.has(each)).sort()) {
    const part = name.startsWith('limits.') ? 'limits' : 'requests';
    const bare = name.replace(/^(?:limits|requests)\./, '');
    if (spec.resources?.[part]?.[bare] !== undefined) continue;
    const all = [...(spec.initContainers ?? []), ...spec.containers, ...(spec.ephemeralContainers ?? [])];
    const containers = all.filter((container) => container.resources?.[part]?.[bare] === undefined);
    const names = [...new Set(containers.map((container) => container.name))].sort();
    if (names.length > 0) missing.push(`${name} for: ${names.join(',')}`);
  }
  return missing.join('; ');
}

/** Whether the quota's scopes take this object in. Only pods and claims of volumes have any. */
export function isInScope(
  resource: Countable,
  object: KubernetesObject,
  scopes: readonly ScopedResourceSelectorRequirement[],
): boolean {
  if (scopes.length === 0) return true;
  if (resource.storage.group) return false;
  if (resource.storage.plural === 'persistentvolumeclaims')
    return scopes.every((scope) => claimIsInScope(object as PersistentVolumeClaim, scope));
  if (resource.storage.plural !== 'pods') return false;
  return scopes.every((scope) => podIsInScope(object as Pod, scope));
}

function claimIsInScope(
  { spec, status }: PersistentVolumeClaim,
  { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement,
): boolean {
  if (scopeName !== 'VolumeAttributesClass') return false;
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter(Boolean) as string[];
  if (operator === 'Exists') return names.length > 0;
  if (names.length === 0) return operator === 'DoesNotExist' || operator === 'NotIn';
  if (operator === 'DoesNotExist') return false;
  return names.some((name) => values.includes(name) === (operator === 'In'));
}

function podIsInScope(pod: Pod, { scopeName, operator, values }: ScopedResourceSelectorRequirement): boolean {
  const { spec } = pod;
  switch (scopeName) {
    case 'Terminating':
      return (spec.activeDeadlineSeconds ?? -1) >= 0;
    case 'NotTerminating':
      return spec.activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return isBestEffort(pod);
    case 'NotBestEffort':
      return !isBestEffort(pod);
    case 'PriorityClass': {
      const name = spec.priorityClassName ?? '';
      if (operator === 'Exists') return name !== '';
      if (operator === 'DoesNotExist') return name === '';
      return (values ?? []).includes(name) === (operator === 'In');
    }
    case 'CrossNamespacePodAffinity':
      return (
        JSON.stringify(spec.affinity ?? {}).includes('"namespaces"') ||
        JSON.stringify(spec.affinity ?? {}).includes('"namespaceSelector"')
      );
    default:
      return false;
  }
}

function isBestEffort({ spec }: Pod): boolean {
  const isSet = (resources: Resources) =>
    [...resources].some(([name, value]) => (name === 'cpu' || name === 'memory') && !value.isZero);
  return !isSet(podResources(spec, 'requests')) && !isSet(podResources(spec, 'limits'));
}
