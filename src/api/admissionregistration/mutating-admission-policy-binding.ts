import type { MutatingAdmissionPolicyBinding } from '../../../generated/admissionregistration-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { path } from '../meta/field-errors.ts';
import { countGeneration, startGeneration } from '../meta/strategy.ts';
import { defaultMatchResources, paramRefCell, validateMatchResources, validateParamRef } from './match-resources.ts';
import { checkMutatingOperations } from './mutating-admission-policy.ts';
import { validatePolicyName } from './validating-admission-policy-binding.ts';

export const mutatingAdmissionPolicyBindingKind: KindDefinition<MutatingAdmissionPolicyBinding> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicyBinding',
  takesAnyFinalizer: true,
  allowsUnconditionalUpdate: false,
  defaults: ({ spec }) => defaultMatchResources(spec?.matchResources),
  prepareForCreate: startGeneration,
  prepareForUpdate: (next, current) => countGeneration(next, current),
  validate({ spec }, errors) {
    validatePolicyName(spec?.policyName, errors);
    if (spec?.paramRef) validateParamRef(spec.paramRef, path('spec', 'paramRef'), errors);
    const at = path('spec', 'matchResources');
    if (!spec?.matchResources) return;
    validateMatchResources(spec.matchResources, at, errors);
    checkMutatingOperations(spec.matchResources, at, errors);
  },
  columns: [
    nameColumn,
    {
      name: 'PolicyName',
      type: 'string',
      description: 'PolicyName indicates the policy definition which the policy binding binded to',
      cell: ({ spec }) => spec?.policyName ?? '',
    },
    {
      name: 'ParamRef',
      type: 'string',
      description: 'ParamRef indicates the param resource which sets the configuration param',
      cell: ({ spec }) => paramRefCell(spec?.paramRef),
    },
    ageColumn,
  ],
};
