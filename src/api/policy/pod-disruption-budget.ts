import type { PodDisruptionBudget } from '../../../generated/policy-v1.ts';
import type { IntOrString } from '../../../generated/util-intstr.ts';
import type { KindDefinition, OtherVersion } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { validateConditions } from '../meta/condition-validation.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { goForm } from '../meta/go-form.ts';
import { percentOf } from '../meta/int-or-string.ts';
import { validateLabelSelector } from '../meta/labels.ts';
import { percentProblems } from '../meta/names.ts';
import type { KubernetesObject } from '../meta/object.ts';
import { countGeneration, keepStatus, startGeneration, statusRules } from '../meta/strategy.ts';
import { checkSupported } from '../meta/supported.ts';

function validateAmount(value: IntOrString, at: FieldPath, errors: FieldErrors): void {
  if (typeof value === 'number') {
    if (value < 0) errors.invalid(at, value, 'must be greater than or equal to 0');
    return;
  }
  for (const problem of percentProblems(value)) errors.invalid(at, value, problem);
  if ((percentOf(value) ?? 0) > 100) errors.invalid(at, value, 'must not be greater than 100%');
}

function validateStatus({ status }: PodDisruptionBudget, errors: FieldErrors): void {
  for (const field of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const) {
    const value = status?.[field] ?? 0;
    if (value < 0) errors.invalid(path('status', field), value, 'must be greater than or equal to 0');
  }
  validateConditions(status?.conditions, path('status', 'conditions'), errors);
}

// In v1beta1 an empty selector chose no pods; in v1 it chooses all of them.
const nothing = { key: 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match', operator: 'Exists' };

const v1beta1: OtherVersion<PodDisruptionBudget> = {
  group: 'policy',
  version: 'v1beta1',
  defaults() {},
  toStorage(object: KubernetesObject) {
    const budget = object as PodDisruptionBudget;
    const selector = budget.spec?.selector;
    if (selector && !Object.keys(selector).length) selector.matchExpressions = [nothing as never];
    return budget;
  },
  fromStorage(budget) {
    const expressions = budget.spec?.selector?.matchExpressions;
    if (expressions?.length !== 1 || expressions[0]!.key !== nothing.key) return budget;
    return { ...budget, spec: { ...budget.spec, selector: {} } };
  },
};

const amountCell = (value: IntOrString | undefined) => (value === undefined ? 'N/A' : String(value));

export const podDisruptionBudgetKind: KindDefinition<PodDisruptionBudget> = {
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  metadataLooks: [],
  judgesMetadataAfter: true,
  takesAnyFinalizer: true,
  allowsUnconditionalUpdate: false,
  prepareForCreate(object) {
    object.status = { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 };
    startGeneration(object);
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    countGeneration(next, current);
  },
  validate({ spec = {} }, errors) {
    const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy } = spec as PodDisruptionBudget['spec'];
    if (minAvailable !== undefined && maxUnavailable !== undefined) {
      const shown = goForm('io.k8s.api.policy.v1.PodDisruptionBudgetSpec', spec);
      errors.invalid(path('spec'), shown, 'minAvailable and maxUnavailable cannot be both set');
    }
    if (minAvailable !== undefined) validateAmount(minAvailable, path('spec', 'minAvailable'), errors);
    if (maxUnavailable !== undefined) validateAmount(maxUnavailable, path('spec', 'maxUnavailable'), errors);
    validateLabelSelector(selector, path('spec', 'selector'), errors);
    const policies = ['AlwaysAllow', 'IfHealthyBudget'];
    checkSupported(errors, path('spec', 'unhealthyPodEvictionPolicy'), unhealthyPodEvictionPolicy, policies);
  },
  subresources: {
    status: {
      ...statusRules({ validateUpdate: (next, _current, errors) => validateStatus(next, errors) }),
      metadataLooks: [],
    },
  },
  otherVersions: [v1beta1],
  columns: [
    nameColumn,
    {
      name: 'Min Available',
      type: 'string',
      description: 'The minimum number of pods that must be available.',
      cell: ({ spec }) => amountCell(spec?.minAvailable),
    },
    {
      name: 'Max Unavailable',
      type: 'string',
      description: 'The maximum number of pods that may be unavailable.',
      cell: ({ spec }) => amountCell(spec?.maxUnavailable),
    },
    {
      name: 'Allowed Disruptions',
      type: 'integer',
      description: 'Calculated number of pods that may be disrupted at this time.',
      cell: ({ status }) => status?.disruptionsAllowed ?? 0,
    },
    ageColumn,
  ],
};
