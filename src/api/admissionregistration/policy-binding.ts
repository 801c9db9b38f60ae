// What bindings of policies have in common, whatever the policies do.
import type {
  MutatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicyBinding,
} from '../../../generated/admissionregistration-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { dns1123SubdomainProblems } from '../meta/names.ts';
import { countGeneration, startGeneration } from '../meta/strategy.ts';
import { defaultMatchResources, paramRefCell, validateMatchResources, validateParamRef } from './match-resources.ts';

type Binding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding;

export const bindingRules = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  takesAnyFinalizer: true,
  allowsUnconditionalUpdate: false,
  defaults: ({ spec }: Binding) => defaultMatchResources(spec?.matchResources),
  prepareForCreate: startGeneration,
  prepareForUpdate: (next: Binding, current: Binding) => countGeneration(next, current),
  columns: [
    nameColumn,
    {
      name: 'PolicyName',
      type: 'string',
      description: 'PolicyName indicates the policy definition which the policy binding binded to',
      cell: ({ spec }: Binding) => spec?.policyName ?? '',
    },
    {
      name: 'ParamRef',
      type: 'string',
      description: 'ParamRef indicates the param resource which sets the configuration param',
      cell: ({ spec }: Binding) => paramRefCell(spec?.paramRef),
    },
    ageColumn,
  ],
} satisfies Omit<KindDefinition<Binding>, 'kind'>;

/** Where a binding says which resources it is about. */
export const matchResourcesPath = path('spec', 'matchResources');

export function validateBinding({ spec }: Binding, errors: FieldErrors): void {
  const at = path('spec', 'policyName');
  if (!spec?.policyName) errors.required(at);
  else for (const problem of dns1123SubdomainProblems(spec.policyName)) errors.invalid(at, spec.policyName, problem);
  if (spec?.paramRef) validateParamRef(spec.paramRef, path('spec', 'paramRef'), errors);
  if (spec?.matchResources) validateMatchResources(spec.matchResources, matchResourcesPath, errors);
}
