import type { Node, Taint } from '../../../generated/core-v1.ts';
import { type FieldErrors, type FieldPath, goQuote, path } from '../meta/field-errors.ts';
import { parseCidr, validateCidr } from '../meta/ip-address.ts';
import { labelValueProblems, qualifiedNameProblems } from '../meta/names.ts';
import { validateResourceAmount } from '../meta/resource-names.ts';

const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

// Upstream says `metadata.taints`: taints were an annotation once.
const taintsPath = path('metadata', 'taints');

function validateTaints(taints: readonly Taint[], at: FieldPath, errors: FieldErrors): void {
  const seen = new Set<string>();
  taints.forEach(({ key, value = '', effect, timeAdded = null }, index) => {
    const place = at.index(index);
    for (const problem of qualifiedNameProblems(key)) errors.invalid(place.child('key'), key, problem);
    const valueProblems = labelValueProblems(value);
    if (valueProblems.length) errors.invalid(place.child('value'), value, valueProblems.join(';'));
    if (!effect) errors.required(place.child('effect'));
    else if (!taintEffects.includes(effect)) errors.notSupported(place.child('effect'), effect, taintEffects);
    if (seen.has(`${key} ${effect}`)) {
      const shown = JSON.stringify({ Key: key, Value: value, Effect: effect, TimeAdded: timeAdded });
      const body = `Duplicate value: ${shown}: taints must be unique by key and effect pair`;
      errors.list.push({ reason: 'FieldValueDuplicate', field: String(place), body });
    }
    seen.add(`${key} ${effect}`);
  });
}

function validateAmounts({ status }: Node, errors: FieldErrors): void {
  for (const field of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of Object.entries(status?.[field] ?? {})) {
      validateResourceAmount(name, amount, path('status', field, name), errors);
    }
  }
}

function validatePodCidrs(cidrs: readonly string[], errors: FieldErrors): void {
  const at = path('spec', 'podCIDRs');
  cidrs.forEach((cidr, index) => {
    validateCidr(cidr, at.index(index), errors);
  });
  if (cidrs.length < 2) return;
  const bad = cidrs.findIndex((cidr) => !parseCidr(cidr));
  if (bad >= 0) {
    const why = `invalid CIDR[${bad}]: <nil> (invalid CIDR address: ${cidrs[bad]})`;
    errors.internal(at, `invalid PodCIDRs. failed to check with dual stack with error:${why}`);
  }
  const families = new Set(cidrs.map((cidr) => parseCidr(cidr)?.family));
  if (bad >= 0 || cidrs.length > 2 || families.size < 2) {
    errors.invalid(at, cidrs, 'may specify no more than one CIDR for each IP family');
  }
}

export function validateNode(node: Node, errors: FieldErrors): void {
  validateTaints(node.spec?.taints ?? [], taintsPath, errors);
  validateAmounts(node, errors);
  const { capacity } = node.status?.nodeInfo?.swap ?? {};
  if (capacity !== undefined && capacity <= 0) {
    errors.invalid(path('metadata.nodeSwapStatus.capacity'), capacity, 'must be greater than zero');
  }
  validatePodCidrs(node.spec?.podCIDRs ?? [], errors);
  validateDeclaredFeatures(node.status?.declaredFeatures ?? [], errors);
}

/** The first segment begins with a capital. */
const featureName = /^[A-Z][a-zA-Z0-9]*(?:\/[a-zA-Z][a-zA-Z0-9]*)*$/;
const maxFeatureBytes = 253;

export function validateDeclaredFeatures(features: readonly string[], errors: FieldErrors): void {
  const at = path('status', 'declaredFeatures');
  features.forEach((feature, index) => {
    const invalid = (problem: string) =>
      errors.invalid(at.index(index), feature, `invalid feature name ${goQuote(feature)}: ${problem}`);
    if (Buffer.byteLength(feature) > maxFeatureBytes) invalid(`must be no more than ${maxFeatureBytes} characters`);
    else if (!featureName.test(feature)) {
      invalid(
        "must start with an UpperCamelCase segment, with subsequent segments separated by '/' (e.g., MyFeature or MyFeature/mySubFeature), and contain only alphanumeric characters and slashes",
      );
    }
    const next = features[index + 1];
    if (next === undefined || feature < next) return;
    if (feature === next) errors.duplicate(at.index(index + 1), next);
    else errors.invalid(at.index(index + 1), next, 'list must be sorted alphabetically');
  });
}

function validateAddresses({ status }: Node, errors: FieldErrors): void {
  const seen = new Set<string>();
  status?.addresses?.forEach(({ type, address }, index) => {
    const key = `${type} ${address}`;
    if (seen.has(key)) errors.duplicate(path('status', 'addresses').index(index), { Type: type, Address: address });
    seen.add(key);
  });
}

/** What a node was given once stays: its pod ranges and its identity in the cloud. */
function validateGiven({ spec: next = {} }: Node, { spec: current = {} }: Node, errors: FieldErrors): void {
  if (current.podCIDRs?.length && current.podCIDRs.join() !== next.podCIDRs?.join()) {
    errors.forbidden(path('spec', 'podCIDRs'), 'node updates may not change podCIDR except from "" to valid');
  }
  if (current.providerID && current.providerID !== next.providerID) {
    errors.forbidden(path('spec', 'providerID'), 'node updates may not change providerID except from "" to valid');
  }
}

export function validateNodeUpdate(next: Node, current: Node, errors: FieldErrors): void {
  validateAmounts(next, errors);
  validateAddresses(next, errors);
  validateGiven(next, current, errors);
  validateTaints(next.spec?.taints ?? [], taintsPath, errors);
  if ((current.spec?.externalID ?? '') !== (next.spec?.externalID ?? '')) {
    errors.forbidden(path('spec', 'externalID'), 'may not be updated');
  }
}
