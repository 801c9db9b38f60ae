import type { ValidatingAdmissionPolicyBinding } from '../../../generated/admissionregistration-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { dns1123SubdomainProblems } from '../meta/names.ts';
import { countGeneration, startGeneration } from '../meta/strategy.ts';
import { checkSupported } from '../meta/supported.ts';
import { defaultMatchResources, paramRefCell, validateMatchResources, validateParamRef } from './match-resources.ts';

const conflict =
  'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)';

function validateActions(actions: readonly string[], at: FieldPath, errors: FieldErrors): void {
  if (!actions.length) errors.required(at, 'at least one validation action is required');
  actions.forEach((action, index) => {
    checkSupported(errors, at.index(index), action, ['Audit', 'Deny', 'Warn']);
    if (actions.indexOf(action) !== index) errors.duplicate(at.index(index), action);
  });
  if (actions.includes('Deny') && actions.includes('Warn')) errors.invalid(at, actions, conflict);
}

/** The name of the policy that a binding binds. */
export function validatePolicyName(name: string | undefined, errors: FieldErrors): void {
  const at = path('spec', 'policyName');
  if (!name) errors.required(at);
  else for (const problem of dns1123SubdomainProblems(name)) errors.invalid(at, name, problem);
}

export const validatingAdmissionPolicyBindingKind: KindDefinition<ValidatingAdmissionPolicyBinding> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  takesAnyFinalizer: true,
  allowsUnconditionalUpdate: false,
  defaults: ({ spec }) => defaultMatchResources(spec?.matchResources),
  prepareForCreate: startGeneration,
  prepareForUpdate: (next, current) => countGeneration(next, current),
  validate({ spec }, errors) {
    validatePolicyName(spec?.policyName, errors);
    if (spec?.paramRef) validateParamRef(spec.paramRef, path('spec', 'paramRef'), errors);
    if (spec?.matchResources) validateMatchResources(spec.matchResources, path('spec', 'matchResources'), errors);
    validateActions(spec?.validationActions ?? [], path('spec', 'validationActions'), errors);
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
