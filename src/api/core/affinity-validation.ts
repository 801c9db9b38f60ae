// Where a pod may run: affinity, tolerations, spreading.
import type {
  Affinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
  WeightedPodAffinityTerm,
} from '../../../generated/core-v1.ts';
import type { LabelSelector } from '../../../generated/meta-v1.ts';
import type { FieldErrors, FieldPath } from '../meta/field-errors.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import {
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from '../meta/names.ts';
import { checkSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const requiredTerms = 'requiredDuringSchedulingIgnoredDuringExecution';
const preferredTerms = 'preferredDuringSchedulingIgnoredDuringExecution';

export function validateAffinity(affinity: Affinity | undefined, at: FieldPath, errors: FieldErrors): void {
  if (!affinity) return;
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  if (nodeAffinity) {
    const place = at.child('nodeAffinity');
    if (nodeAffinity[requiredTerms])
      validateNodeSelector(nodeAffinity[requiredTerms], place.child(requiredTerms), errors);
    nodeAffinity[preferredTerms]?.forEach(({ weight, preference }, index) => {
      validateWeight(weight, place.child(preferredTerms).index(index), errors);
      validateNodeSelectorTerm(preference, place.child(preferredTerms).index(index).child('preference'), errors);
    });
  }
  for (const [name, terms] of [
    ['podAffinity', podAffinity],
    ['podAntiAffinity', podAntiAffinity],
  ] as const) {
    terms?.[requiredTerms]?.forEach((term, index) => {
      validatePodAffinityTerm(term, at.child(name, requiredTerms).index(index), errors);
    });
    terms?.[preferredTerms]?.forEach((term: WeightedPodAffinityTerm, index) => {
      const place = at.child(name, preferredTerms).index(index);
      validateWeight(term.weight, place, errors);
      validatePodAffinityTerm(term.podAffinityTerm, place.child('podAffinityTerm'), errors);
    });
  }
}

function validateWeight(weight: number, at: FieldPath, errors: FieldErrors): void {
  if (weight <= 0 || weight > 100) errors.invalid(at.child('weight'), weight, 'must be in the range 1-100');
}

export function validateNodeSelector(selector: NodeSelector, at: FieldPath, errors: FieldErrors): void {
  const place = at.child('nodeSelectorTerms');
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) errors.required(place, 'must have at least one node selector term');
  terms.forEach((term, index) => {
    validateNodeSelectorTerm(term, place.index(index), errors);
  });
}

function validateNodeSelectorTerm(term: NodeSelectorTerm, at: FieldPath, errors: FieldErrors): void {
  term.matchExpressions?.forEach((requirement, index) => {
    validateNodeRequirement(requirement, at.child('matchExpressions').index(index), errors);
  });
  term.matchFields?.forEach((requirement, index) => {
    validateNodeFieldRequirement(requirement, at.child('matchFields').index(index), errors);
  });
}

function validateNodeRequirement(
  { key, operator, values = [] }: NodeSelectorRequirement,
  at: FieldPath,
  errors: FieldErrors,
): void {
  const place = at.child('values');
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) errors.required(place, "must be specified when `operator` is 'In' or 'NotIn'");
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length) errors.forbidden(place, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) {
        errors.required(place, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      }
      break;
    default:
      errors.invalid(at.child('operator'), operator, 'not a valid selector operator');
  }
  validateBy(qualifiedNameProblems, key, at.child('key'), errors);
  values.forEach((value, index) => {
    validateBy(labelValueProblems, value, place.index(index), errors);
  });
}

function validateNodeFieldRequirement(
  { key, operator, values = [] }: NodeSelectorRequirement,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (operator !== 'In' && operator !== 'NotIn') {
    errors.invalid(at.child('operator'), operator, 'not a valid selector operator');
  } else if (values.length !== 1) {
    errors.required(
      at.child('values'),
      "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
    );
  }
  if (key !== 'metadata.name') errors.invalid(at.child('key'), key, 'not a valid field selector key');
  else {
    values.forEach((value, index) => {
      validateBy(dns1123SubdomainProblems, value, at.child('values').index(index), errors);
    });
  }
}

function validatePodAffinityTerm(term: PodAffinityTerm, at: FieldPath, errors: FieldErrors): void {
  validateLabelSelector(term.labelSelector, at.child('labelSelector'), errors);
  validateLabelSelector(term.namespaceSelector, at.child('namespaceSelector'), errors);
  for (const namespace of term.namespaces ?? []) {
    validateBy(dns1123LabelProblems, namespace, at.child('namespace'), errors);
  }
  validateLabelKeys(term.matchLabelKeys, term.labelSelector, at.child('matchLabelKeys'), errors);
  validateLabelKeys(term.mismatchLabelKeys, term.labelSelector, at.child('mismatchLabelKeys'), errors);
  term.matchLabelKeys?.forEach((key, index) => {
    if (!term.mismatchLabelKeys?.includes(key)) return;
    errors.invalid(at.child('matchLabelKeys').index(index), key, 'exists in both matchLabelKeys and mismatchLabelKeys');
  });
  validateTopologyKey(term.topologyKey, at.child('topologyKey'), errors);
}

function validateLabelKeys(
  keys: string[] | undefined,
  selector: LabelSelector | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!keys?.length) return;
  if (!selector) {
    errors.forbidden(at, 'must not be specified when labelSelector is not set');
    return;
  }
  keys.forEach((key, index) => {
    validateBy(qualifiedNameProblems, key, at.index(index), errors);
  });
}

function validateTopologyKey(key: string, at: FieldPath, errors: FieldErrors): void {
  required(key, at, errors, 'can not be empty');
  validateBy(qualifiedNameProblems, key, at, errors);
}

export function validateTopologySpread(
  constraints: TopologySpreadConstraint[] | undefined,
  at: FieldPath,
  errors: FieldErrors,
): void {
  constraints?.forEach((constraint, index) => {
    const { maxSkew, topologyKey, whenUnsatisfiable, minDomains } = constraint;
    const place = at.index(index);
    if (maxSkew <= 0) errors.invalid(place.child('maxSkew'), maxSkew, 'must be greater than zero');
    required(topologyKey, place.child('topologyKey'), errors, 'can not be empty');
    checkSupported(errors, place.child('whenUnsatisfiable'), whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']);
    const isRepeated = constraints
      .slice(index + 1)
      .some((other) => other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable);
    if (isRepeated) {
      errors.duplicate(place.child('{topologyKey, whenUnsatisfiable}'), `{${topologyKey}, ${whenUnsatisfiable}}`);
    }
    if (minDomains !== undefined) validateMinDomains(minDomains, whenUnsatisfiable, place.child('minDomains'), errors);
    checkSupported(errors, place.child('nodeAffinityPolicy'), constraint.nodeAffinityPolicy, ['Honor', 'Ignore']);
    checkSupported(errors, place.child('nodeTaintsPolicy'), constraint.nodeTaintsPolicy, ['Honor', 'Ignore']);
    validateLabelKeys(constraint.matchLabelKeys, constraint.labelSelector, place.child('matchLabelKeys'), errors);
    validateLabelSelector(constraint.labelSelector, place.child('labelSelector'), errors);
  });
}

function validateMinDomains(minDomains: number, action: string, at: FieldPath, errors: FieldErrors): void {
  if (minDomains <= 0) errors.invalid(at, minDomains, 'must be greater than zero');
  if (action !== 'DoNotSchedule') {
    errors.invalid(at, minDomains, `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${action}`);
  }
}

export function validateTolerations(tolerations: Toleration[] | undefined, at: FieldPath, errors: FieldErrors): void {
  tolerations?.forEach(({ key, operator, value = '', effect, tolerationSeconds }, index) => {
    const place = at.index(index);
    if (key) validateBy(qualifiedNameProblems, key, place.child('key'), errors);
    else if (operator !== 'Exists') {
      errors.invalid(
        place.child('operator'),
        operator ?? '',
        'operator must be Exists when `key` is empty, which means "match all values and all keys"',
      );
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.invalid(place.child('effect'), effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    validateTolerationOperator(operator, value, place.child('operator'), errors);
    if (effect) checkSupported(errors, place.child('effect'), effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute']);
  });
}

function validateTolerationOperator(
  operator: string | undefined,
  value: string,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!operator || operator === 'Equal') {
    const problems = labelValueProblems(value);
    if (problems.length) errors.invalid(at, value, problems.join(';'));
  } else if (operator === 'Exists') {
    if (value) errors.invalid(at, value, "value must be empty when `operator` is 'Exists'");
  } else if (operator === 'Lt' || operator === 'Gt') {
    errors.notSupported(at, operator, ['Equal', 'Exists', 'Lt', 'Gt']); // behind a gate that is off
  } else errors.notSupported(at, operator, ['Equal', 'Exists']);
}
