import type { ValidatingAdmissionPolicyBinding } from '../../../generated/admissionregistration-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { checkSupported } from '../meta/supported.ts';
import { bindingRules, validateBinding } from './policy-binding.ts';

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

export const validatingAdmissionPolicyBindingKind: KindDefinition<ValidatingAdmissionPolicyBinding> = {
  ...bindingRules,
  kind: 'ValidatingAdmissionPolicyBinding',
  validate(binding, errors) {
    validateBinding(binding, errors);
    validateActions(binding.spec?.validationActions ?? [], path('spec', 'validationActions'), errors);
  },
};
