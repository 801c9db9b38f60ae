// What the status of a pod says about its claims and devices must be about claims and containers it has.
import type { Container, ContainerStatus, Pod, PodStatus } from '../../../generated/core-v1.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems } from '../meta/names.ts';
import { validateBy } from '../meta/value-validation.ts';

const at = path('status');
const maxHealthMessage = 1024;

export function validateClaimStatuses({ spec, status }: Pod, errors: FieldErrors): void {
  validateResourceClaimStatuses(status?.resourceClaimStatuses, spec?.resourceClaims ?? [], errors);
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  validateExtendedStatus(status?.extendedResourceClaimStatus, containers, errors);
}

function validateResourceClaimStatuses(
  statuses: PodStatus['resourceClaimStatuses'],
  claims: readonly { readonly name: string }[],
  errors: FieldErrors,
): void {
  const seen = new Set<string>();
  statuses?.forEach(({ name, resourceClaimName }, index) => {
    const place = at.child('resourceClaimStatuses').index(index);
    if (!claims.some((claim) => claim.name === name)) {
      errors.invalid(place.child('name'), name, 'must match the name of an entry in `spec.resourceClaims`');
    }
    if (seen.has(name)) errors.duplicate(place.child('name'), name);
    seen.add(name);
    if (resourceClaimName === undefined) return;
    validateBy(dns1123SubdomainProblems, resourceClaimName, place.child('resourceClaimName'), errors);
  });
}

function validateExtendedStatus(
  status: PodStatus['extendedResourceClaimStatus'],
  containers: readonly Container[],
  errors: FieldErrors,
): void {
  if (!status) return;
  const place = at.child('extendedResourceClaimStatus');
  const mappings = status.requestMappings ?? [];
  if (mappings.length === 0)
    errors.required(place.child('requestMappings'), 'at least one request mapping is required');
  const seen = new Set<string>();
  mappings.forEach(({ containerName, resourceName, requestName }, index) => {
    const mapping = place.child('requestMappings').index(index);
    const container = containers.findLast(({ name }) => name === containerName);
    if (!container) {
      const problem = 'must match the name of an entry in spec.initContainers.name or spec.containers.name';
      errors.invalid(mapping.child('containerName'), containerName, problem);
    } else if (container.resources?.requests?.[resourceName] === undefined) {
      const problem =
        'must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests';
      errors.invalid(mapping.child('resourceName'), resourceName, problem);
    }
    validateBy(dns1123LabelProblems, requestName ?? '', place.child('requestName'), errors);
    const key = [containerName, resourceName, requestName].join('\n');
    if (seen.has(key)) {
      errors.duplicate(mapping.child('containerName'), containerName);
      errors.duplicate(mapping.child('resourceName'), resourceName);
      errors.duplicate(mapping.child('requestName'), requestName);
    }
    seen.add(key);
  });
  const claim = place.child('resourceClaimName');
  if (!status.resourceClaimName) errors.required(claim);
  else validateBy(dns1123SubdomainProblems, status.resourceClaimName, claim, errors);
}

export function validateAllocatedResources({ spec, status }: Pod, errors: FieldErrors): void {
  validateHealth(status?.containerStatuses, at.child('containerStatuses'), spec?.containers, errors);
  validateHealth(status?.initContainerStatuses, at.child('initContainerStatuses'), spec?.initContainers, errors);
  status?.ephemeralContainerStatuses?.forEach(({ allocatedResourcesStatus }, index) => {
    if (!allocatedResourcesStatus?.length) return;
    const place = at.child('ephemeralContainerStatuses').index(index).child('allocatedResourcesStatus');
    errors.forbidden(place, 'must not be specified in container status');
  });
}

function validateHealth(
  statuses: readonly ContainerStatus[] | undefined,
  list: FieldPath,
  containers: readonly Container[] | undefined,
  errors: FieldErrors,
): void {
  statuses?.forEach((status, index) => {
    status.allocatedResourcesStatus?.forEach(({ name, resources }, position) => {
      const place = list.index(index).child('allocatedResourcesStatus').index(position);
      const container = containers?.find((each) => each.name === status.name);
      const problem = container && whyNotAllocated(container, name);
      if (problem) errors.invalid(place.child('name'), name, problem);
      const seen = new Set<string>();
      resources?.forEach(({ resourceID, health = '', message }, number) => {
        const resource = place.child('resources').index(number);
        const known = ['Healthy', 'Unhealthy', 'Unknown'];
        if (!known.includes(health)) errors.notSupported(resource.child('health'), health, known);
        if (message === '') errors.required(resource.child('message'), 'must be non-empty if specified');
        else if (message && message.length > maxHealthMessage)
          errors.tooLong(resource.child('message'), maxHealthMessage);
        if (seen.has(resourceID)) errors.duplicate(resource.child('resourceID'), resourceID);
        seen.add(resourceID);
      });
    });
  });
}

function whyNotAllocated({ resources }: Container, name: string): string | undefined {
  if (!name.startsWith('claim:')) {
    return resources?.requests?.[name] === undefined
      ? "must match one of the container's resource requests"
      : undefined;
  }
  const claims = (resources?.claims ?? []).map(
    (claim) => `claim:${claim.name}${claim.request ? `/${claim.request}` : ''}`,
  );
  if (claims.includes(name)) return undefined;
  return "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
}
