// Names of resources in limits, requests and quotas, and the amounts that fit them.
import type { FieldErrors, FieldPath } from './field-errors.ts';
import { qualifiedNameProblems } from './names.ts';
import { quantityOf } from './quantity.ts';

const compute = ['cpu', 'memory', 'ephemeral-storage'];
const objectCounts = [
  'pods',
  'services',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
];
const quotaNames = new Set([
  ...compute,
  ...compute.map((name) => `requests.${name}`),
  ...compute.map((name) => `limits.${name}`),
  'requests.storage',
  ...objectCounts,
]);
const standardNames = new Set([...quotaNames, 'storage']);
const containerNames = new Set(compute);
const integerNames = new Set(objectCounts);

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-');
const isHugePagesQuota = (name: string): boolean => isHugePages(name) || name.startsWith('requests.hugepages-');

/** `cpu`, or anything under kubernetes.io. */
export const isNativeName = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');

/** A device of a vendor: `example.com/gpu`. */
export function isExtendedResource(name: string): boolean {
  if (isNativeName(name) || name.startsWith('requests.')) return false;
  return qualifiedNameProblems(`requests.${name}`).length === 0;
}

export const isStandardQuotaName = (name: string): boolean => quotaNames.has(name) || isHugePagesQuota(name);

/** What may be asked for beyond what there is: all but huge pages and devices. */
export const isOvercommitAllowed = (name: string): boolean => isNativeName(name) && !isHugePages(name);

export function validateResourceName(name: string, at: FieldPath, errors: FieldErrors): void {
  const problems = qualifiedNameProblems(name);
  for (const problem of problems) errors.invalid(at, name, problem);
  if (problems.length || name.includes('/') || standardNames.has(name) || isHugePagesQuota(name)) return;
  errors.invalid(at, name, 'must be a standard resource type or fully qualified');
}

export function validateContainerResourceName(name: string, at: FieldPath, errors: FieldErrors): void {
  validateResourceName(name, at, errors);
  if (!name.includes('/')) {
    if (!containerNames.has(name) && !isHugePages(name)) {
      errors.invalid(at, name, 'must be a standard resource for containers');
    }
  } else if (!isNativeName(name) && !isExtendedResource(name)) {
    errors.invalid(at, name, "doesn't follow extended resource name standard");
  }
}

export function validateQuotaResourceName(name: string, at: FieldPath, errors: FieldErrors): void {
  validateResourceName(name, at, errors);
  if (!name.includes('/') && !isStandardQuotaName(name))
    errors.invalid(at, name, 'must be a standard resource for quota');
}

/** Not negative, and whole where parts make no sense. */
export function validateResourceAmount(name: string, amount: string, at: FieldPath, errors: FieldErrors): void {
  validateNotNegative(amount, at, errors);
  const isWholeOnly = integerNames.has(name) || isExtendedResource(name);
  if (isWholeOnly && quantityOf(amount).millis % 1000n !== 0n) errors.invalid(at, amount, 'must be an integer');
}

export function validateNotNegative(amount: string, at: FieldPath, errors: FieldErrors): void {
  if (quantityOf(amount).sign < 0) errors.invalid(at, amount, 'must be greater than or equal to 0');
}
