// The structure of policies. Their CEL expressions are not compiled here.
import type { ValidatingAdmissionPolicy } from '../../../generated/admissionregistration-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { identifierProblems, qualifiedNameProblems } from '../meta/names.ts';
import { countGeneration, keepStatus, startGeneration, statusRules } from '../meta/strategy.ts';
import { checkSupported } from '../meta/supported.ts';
import { validateMatchConditions } from './match-conditions.ts';
import { defaultMatchResources, paramKindCell, validateMatchResources, validateParamKind } from './match-resources.ts';

type Spec = NonNullable<ValidatingAdmissionPolicy['spec']>;

function validateValidations(spec: Spec, errors: FieldErrors): void {
  const validations = spec.validations ?? [];
  const annotations = spec.auditAnnotations ?? [];
  if (!validations.length && !annotations.length) {
    const problem = 'validations or auditAnnotations must contain at least one item';
    errors.required(path('spec', 'validations'), problem);
    errors.required(path('spec', 'auditAnnotations'), problem);
  }
  validations.forEach(({ expression, message, messageExpression, reason }, index) => {
    const at = path('spec', 'validations').index(index);
    if (!expression?.trim()) errors.required(at.child('expression'), 'expression is not specified');
    if (messageExpression !== undefined && !messageExpression.trim()) {
      errors.invalid(at.child('messageExpression'), messageExpression, 'must be non-empty if specified');
    }
    if (message?.includes('\n')) errors.invalid(at.child('message'), message, 'message must not contain line breaks');
    const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized'];
    if (reason !== undefined && !reasons.includes(reason))
      errors.notSupported(at.child('reason'), reason, reasons.slice(0, 3));
  });
}

function validateAuditAnnotations({ metadata, spec }: ValidatingAdmissionPolicy, errors: FieldErrors): void {
  const seen = new Set<string>();
  spec?.auditAnnotations?.forEach(({ key = '', valueExpression }, index) => {
    const at = path('spec', 'auditAnnotations').index(index);
    const full = `${metadata.name}/${key}`;
    for (const problem of qualifiedNameProblems(full)) errors.invalid(at.child('key'), full, problem);
    if (!valueExpression?.trim()) errors.required(at.child('valueExpression'), 'valueExpression is not specified');
    if (key && seen.has(key)) errors.duplicate(at.child('key'), key);
    seen.add(key);
  });
}

/** Names of variables; shared with mutating policies. */
export function validateVariables(variables: Spec['variables'], errors: FieldErrors): void {
  const seen = new Set<string>();
  variables?.forEach(({ name, expression }, index) => {
    const at = path('spec', 'variables').index(index);
    if (!name?.trim()) errors.required(at.child('name'), 'name is not specified');
    else for (const problem of identifierProblems(name)) errors.invalid(at.child('name'), name, problem);
    if (!expression?.trim()) errors.required(at.child('expression'), 'expression is not specified');
    if (name && seen.has(name)) errors.duplicate(at.child('name'), name);
    seen.add(name);
  });
}

export const validatingAdmissionPolicyKind: KindDefinition<ValidatingAdmissionPolicy> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  allowsUnconditionalUpdate: false,
  defaults({ spec }) {
    if (!spec) return;
    spec.failurePolicy ??= 'Fail';
    defaultMatchResources(spec.matchConstraints);
  },
  prepareForCreate(object) {
    startGeneration(object);
    object.status = {};
  },
  prepareForUpdate(next, current) {
    keepStatus(next, current);
    countGeneration(next, current);
  },
  validate(object, errors) {
    const spec = object.spec ?? {};
    checkSupported(errors, path('spec', 'failurePolicy'), spec.failurePolicy, ['Fail', 'Ignore']);
    if (spec.paramKind) validateParamKind(spec.paramKind, path('spec', 'paramKind'), errors);
    const at = path('spec', 'matchConstraints');
    if (!spec.matchConstraints) errors.required(at);
    else {
      validateMatchResources(spec.matchConstraints, at, errors);
      if (!spec.matchConstraints.resourceRules?.length) errors.required(at.child('resourceRules'));
    }
    validateMatchConditions(spec.matchConditions ?? [], path('spec', 'matchConditions'), errors);
    validateVariables(spec.variables, errors);
    validateValidations(spec, errors);
    validateAuditAnnotations(object, errors);
  },
  subresources: { status: statusRules({ keepsMetadata: true }) },
  columns: [
    nameColumn,
    {
      name: 'Validations',
      type: 'integer',
      description: 'Validations indicates the number of validation rules defined in this configuration',
      cell: ({ spec }) => spec?.validations?.length ?? 0,
    },
    {
      name: 'ParamKind',
      type: 'string',
      description: 'ParamKind specifies the kind of resources used to parameterize this policy',
      cell: ({ spec }) => paramKindCell(spec?.paramKind),
    },
    ageColumn,
  ],
};
