// Extended resources that a DeviceClass stands for: a pod asks for them like for any other resource, and where the node
// itself has none, the scheduler makes a claim for the devices.
import type { Container, ContainerExtendedResourceRequest, Pod } from '../../../generated/core-v1.ts';
import type { DeviceClass, DeviceRequest, ResourceClaim } from '../../../generated/resource-v1.ts';
import { unitsOf } from '../../api/meta/quantity.ts';
import { isExtendedResource } from '../../api/meta/resource-names.ts';
import type { NodeView } from '../node-cache.ts';
import { podRequests } from '../resources.ts';

const implicitPrefix = 'deviceclass.resource.kubernetes.io/';
const annotation = 'resource.kubernetes.io/extended-resource-claim';

export const mayBeOfClass = (name: string): boolean => name.startsWith(implicitPrefix) || isExtendedResource(name);

/** Which class stands for a resource. */
export class ResourceClasses {
  readonly #list: () => readonly DeviceClass[];
  #byResource: Map<string, DeviceClass> | undefined;

  constructor(list: () => readonly DeviceClass[]) {
    this.#list = list;
  }

  forget(): void {
    this.#byResource = undefined;
  }

  find(resource: string): DeviceClass | undefined {
    this.#byResource ??= this.#index();
    return this.#byResource.get(resource);
  }

  /** Of several that name one resource, the youngest counts, then the first in the alphabet. */
  #index(): Map<string, DeviceClass> {
    const found = new Map<string, DeviceClass>();
    for (const each of this.#list()) {
      found.set(`${implicitPrefix}${each.metadata.name}`, each);
      const name = each.spec.extendedResourceName;
      if (!name) continue;
      const other = found.get(name);
      if (!other || isBefore(each, other)) found.set(name, each);
    }
    return found;
  }
}

function isBefore({ metadata: a }: DeviceClass, { metadata: b }: DeviceClass): boolean {
  const [made, madeOther] = [a.creationTimestamp ?? '', b.creationTimestamp ?? ''];
  return made === madeOther ? a.name < b.name : made > madeOther;
}

/** The resources of the pod that a class stands for, in order. */
export function extendedResourcesOf(pod: Pod, classes: ResourceClasses): string[] {
  const names: string[] = [];
  for (const [name, amount] of podRequests(pod))
    if (amount > 0 && mayBeOfClass(name) && classes.find(name)) names.push(name);
  return names.sort();
}

/** Of these, what the node does not have itself. */
export function resourcesFromDevices(resources: readonly string[], { node }: NodeView): string[] {
  return resources.filter((name) => unitsOf(node.status?.allocatable?.[name]) === 0);
}

/** The claim for what a pod wants of these resources, not yet made, and which container's request is met by which of its. */
export function draftClaim(
  { metadata, spec }: Pod,
  resources: readonly string[],
  classes: ResourceClasses,
): { claim: ResourceClaim; mappings: ContainerExtendedResourceRequest[] } {
  const requests: DeviceRequest[] = [];
  const mappings: ContainerExtendedResourceRequest[] = [];
  for (const resource of resources) {
    const found = requestsFor(spec, resource, classes.find(resource)!.metadata.name);
    requests.push(...found.requests);
    mappings.push(...found.mappings);
  }
  const { namespace = '', name, uid = '' } = metadata;
  const claim: ResourceClaim = {
    metadata: {
      name: '',
      namespace,
      uid: `extended ${uid}`,
      generateName: `${name}-extended-resources-`,
      annotations: { [annotation]: 'true' },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name, uid, controller: true }],
    },
    spec: { devices: { requests: requests.sort((a, b) => (a.name < b.name ? -1 : 1)) } },
  };
  return { claim, mappings };
}

/** Init containers that end use what later containers are given, and share what goes beyond it. */
function requestsFor({ initContainers = [], containers }: Pod['spec'], resource: string, className: string) {
  const all = [...initContainers, ...containers];
  const isShort = (at: number) => at < initContainers.length && all[at]!.restartPolicy !== 'Always';
  const lasting: (DeviceRequest | undefined)[] = [];
  const mappings: ContainerExtendedResourceRequest[] = [];
  for (const [at, container] of all.entries()) {
    const count = isShort(at) ? 0 : countOf(container, resource);
    if (count === 0) continue;
    lasting[at] = request(container, at, resource, className, count);
    mappings.push({ containerName: container.name, resourceName: resource, requestName: lasting[at].name });
  }
  let largest: DeviceRequest | undefined;
  const own = new Set<string>();
  const shortMappings: ContainerExtendedResourceRequest[] = [];
  for (const [at, container] of all.entries()) {
    let left = isShort(at) ? countOf(container, resource) : 0;
    if (left === 0) continue;
    const map = (requestName: string) =>
      shortMappings.push({ containerName: container.name, resourceName: resource, requestName });
    for (const later of lasting.slice(at)) {
      if (!later || left <= 0) continue;
      map(later.name);
      left -= Number(later.exactly!.count);
    }
    if (left <= 0) continue;
    const extra = request(container, at, resource, className, left);
    map(extra.name);
    own.add(extra.name);
    if (!largest || Number(largest.exactly!.count) < left) largest = extra;
  }
  const shared = shortMappings.map((each) =>
    own.has(each.requestName) ? { ...each, requestName: largest!.name } : each,
  );
  return {
    requests: [...(largest ? [largest] : []), ...lasting.filter((each) => each !== undefined)],
    mappings: [...mappings, ...shared],
  };
}

const countOf = ({ resources }: Container, resource: string) => unitsOf(resources?.requests?.[resource]);

/** Named after the container's place and the resource's among all that the container requests. */
function request(
  { resources }: Container,
  at: number,
  resource: string,
  deviceClassName: string,
  count: number,
): DeviceRequest {
  const place = Object.keys(resources?.requests ?? {})
    .sort()
    .indexOf(resource);
  return {
    name: `container-${at}-request-${place}`,
    exactly: { deviceClassName, allocationMode: 'ExactCount', count },
  };
}
