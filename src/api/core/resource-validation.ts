// Requests and limits of containers and pods.
import type { PodSpec, ResourceClaim, ResourceRequirements } from '../../../generated/core-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { dns1123LabelProblems } from '../meta/names.ts';
import { Quantity, quantityOf } from '../meta/quantity.ts';
import {
  isHugePages,
  isOvercommitAllowed,
  validateContainerResourceName,
  validateResourceAmount,
  validateResourceName,
} from '../meta/resource-names.ts';
import { validateBy } from '../meta/value-validation.ts';
import { sumOfRequests } from './pod-resources.ts';

type NameCheck = (name: string, at: FieldPath, errors: FieldErrors) => void;

export function validateContainerResources(
  resources: ResourceRequirements | undefined,
  podClaims: ReadonlySet<string>,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (resources) validateResources(resources, validateContainerResourceName, podClaims, at, errors);
}

function validateResources(
  resources: ResourceRequirements,
  validateName: NameCheck,
  podClaims: ReadonlySet<string>,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const { limits = {}, requests = {}, claims } = resources;
  for (const name of Object.keys(limits).sort()) {
    validateAmount(name, limits[name]!, validateName, at.child('limits').key(name), errors);
  }
  for (const name of Object.keys(requests).sort()) {
    validateAmount(name, requests[name]!, validateName, at.child('requests').key(name), errors);
    validateAgainstLimit(name, requests[name]!, limits[name], at, errors);
  }
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')) {
    errors.forbidden(at, 'HugePages require cpu or memory');
  }
  validateClaims(claims, podClaims, at.child('claims'), errors);
}

function validateAmount(name: string, text: string, validateName: NameCheck, at: FieldPath, errors: FieldErrors): void {
  validateName(name, at, errors);
  validateResourceAmount(name, text, at, errors);
  if (isHugePages(name) && !isWholePages(text, name.slice('hugepages-'.length))) {
    errors.invalid(at, text, `${text} is not positive integer multiple of ${name}`);
  }
}

function isWholePages(amount: string, size: string): boolean {
  try {
    const page = Quantity.parse(size).nanos;
    return page > 0n && quantityOf(amount).nanos % page === 0n;
  } catch {
    return false; // the name ends in no quantity
  }
}

function validateAgainstLimit(
  name: string,
  request: string,
  limit: string | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const canOvercommit = isOvercommitAllowed(name);
  if (limit === undefined) {
    if (!canOvercommit) errors.required(at.child('limits'), 'Limit must be set for non overcommitable resources');
    return;
  }
  const order = quantityOf(request).compare(quantityOf(limit));
  if (order !== 0 && !canOvercommit) {
    errors.invalid(at.child('requests'), request, `must be equal to ${name} limit of ${limit}`);
  } else if (order > 0) {
    errors.invalid(at.child('requests'), request, `must be less than or equal to ${name} limit of ${limit}`);
  }
}

function validateClaims(
  claims: readonly ResourceClaim[] | undefined,
  podClaims: ReadonlySet<string>,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const seen = new Set<string>();
  claims?.forEach(({ name, request }, index) => {
    const place = at.index(index);
    if (!name) {
      errors.required(place);
      return;
    }
    if (seen.has(name)) errors.duplicate(place, name);
    else {
      if (request) validateBy(dns1123LabelProblems, request, place.child('request'), errors);
      const key = request ? `${name}/${request}` : name;
      // The whole claim, of which a part was named before.
      const isOverlap = !request && [...seen].some((other) => other.startsWith(`${name}/`));
      if (seen.has(key)) errors.duplicate(place, key);
      else if (isOverlap) errors.duplicate(place, name);
      seen.add(key);
    }
    if (podClaims.has(name)) return;
    const known = podClaims.size ? `: ${[...podClaims].sort().join(', ')}` : ' which is empty';
    errors.notFound(place, name, `must be one of the names in pod.spec.resourceClaims${known}`);
  });
}

/** Resources of the pod as a whole: enough for its containers. */
export function validatePodResources(
  spec: PodSpec,
  podClaims: ReadonlySet<string>,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const resources = spec.resources;
  if (!resources) return;
  if (resources.claims) errors.forbidden(at.child('claims'), 'claims may not be set for Resources at pod-level');
  validateResources(resources, validatePodResourceName, podClaims, at, errors);
  for (const [name, sum] of sumOfRequests(spec)) {
    const request = resources.requests?.[name];
    if (request === undefined || quantityOf(request).compare(quantityOf(sum)) >= 0) continue;
    errors.invalid(
      at.child('requests').key(name),
      request,
      `must be greater than or equal to aggregate container requests of ${sum}`,
    );
  }
  spec.containers?.forEach(({ resources: own }, index) => {
    for (const name of Object.keys(own?.limits ?? {}).sort()) {
      const limit = resources.limits?.[name];
      if (limit === undefined || quantityOf(own!.limits![name]).compare(quantityOf(limit)) <= 0) continue;
      const place = at.child('containers').index(index).key(name).child('limits');
      errors.invalid(place, own!.limits![name], `must be less than or equal to pod limits of ${limit}`);
    }
  });
}

function validatePodResourceName(name: string, at: FieldPath, errors: FieldErrors): void {
  const known = errors.list.length;
  validateResourceName(name, at, errors);
  if (errors.list.length > known || name === 'cpu' || name === 'memory' || isHugePages(name)) return;
  errors.notSupported(at, name, ['cpu', 'hugepages-', 'memory']);
}
