import type { MutatingAdmissionPolicyBinding } from '../../../generated/admissionregistration-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { checkMutatingOperations } from './mutating-admission-policy.ts';
import { bindingRules, matchResourcesPath, validateBinding } from './policy-binding.ts';

export const mutatingAdmissionPolicyBindingKind: KindDefinition<MutatingAdmissionPolicyBinding> = {
  ...bindingRules,
  kind: 'MutatingAdmissionPolicyBinding',
  validate(binding, errors) {
    validateBinding(binding, errors);
    const { spec } = binding;
    if (spec?.matchResources) checkMutatingOperations(spec.matchResources, matchResourcesPath, errors);
  },
};
