import type { ValidatingAdmissionPolicy } from '../../../generated/admissionregistration-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { validateConditions } from '../meta/condition-validation.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';
import { qualifiedNameProblems } from '../meta/names.ts';
import { countGeneration, keepStatus, startGeneration, statusRules } from '../meta/strategy.ts';
import { checkSupported } from '../meta/supported.ts';
import { required } from '../meta/value-validation.ts';
import { checkExpression, ExpressionCompiler, uses } from './expressions.ts';
import { validateMatchConditions } from './match-conditions.ts';
import { defaultMatchResources, paramKindCell, validateMatchResources, validateParamKind } from './match-resources.ts';

type Spec = NonNullable<ValidatingAdmissionPolicy['spec']>;

const maxValueExpressionBytes = 5 * 1024;
const maxAuditAnnotations = 20;

function validateValidations(spec: Spec, compiler: ExpressionCompiler, errors: FieldErrors): void {
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
    else checkExpression(compiler.compile(expression, uses.condition), at.child('expression'), errors);
    if (messageExpression?.trim()) {
      checkExpression(compiler.compile(messageExpression, uses.message), at.child('messageExpression'), errors);
    } else if (messageExpression) {
      errors.invalid(at.child('messageExpression'), messageExpression, 'must be non-empty if specified');
    }
    if (message?.includes('\n')) errors.invalid(at.child('message'), message, 'message must not contain line breaks');
    checkSupported(errors, at.child('reason'), reason, ['Forbidden', 'Invalid', 'RequestEntityTooLarge']);
  });
}

function validateAuditAnnotations(
  { metadata, spec }: ValidatingAdmissionPolicy,
  compiler: ExpressionCompiler,
  errors: FieldErrors,
): void {
  const annotations = spec?.auditAnnotations ?? [];
  if (annotations.length > maxAuditAnnotations) {
    const problem = `must not have more than ${maxAuditAnnotations} auditAnnotations`;
    errors.invalid(path('spec', 'auditAnnotations'), annotations, problem);
  }
  const seen = new Set<string>();
  annotations.forEach(({ key = '', valueExpression }, index) => {
    const at = path('spec', 'auditAnnotations').index(index);
    const full = `${metadata.name}/${key}`;
    for (const problem of qualifiedNameProblems(full)) errors.invalid(at.child('key'), full, problem);
    const trimmed = valueExpression?.trim();
    if (!trimmed) errors.required(at.child('valueExpression'), 'valueExpression is not specified');
    else if (Buffer.byteLength(trimmed) > maxValueExpressionBytes) {
      errors.required(at.child('valueExpression'), `must not exceed ${maxValueExpressionBytes} bytes in length`);
    } else {
      const { problem } = compiler.compile(trimmed, uses.auditAnnotation);
      if (problem !== undefined) errors.invalid(at.child('valueExpression'), valueExpression, problem);
    }
    if (key && seen.has(key)) errors.duplicate(at.child('key'), key);
    seen.add(key);
  });
}

/** Shared with mutating policies. What comes after may refer to them. */
export function validateVariables(
  variables: Spec['variables'],
  compiler: ExpressionCompiler,
  errors: FieldErrors,
): void {
  variables?.forEach(({ name, expression }, index) => {
    const at = path('spec', 'variables').index(index);
    if (!name?.trim()) errors.required(at.child('name'), 'name is not specified');
    else if (!isIdentifier(name)) errors.invalid(at.child('name'), name, 'must be a valid CEL identifier');
    if (!expression?.trim()) errors.required(at.child('expression'), 'expression is not specified');
    else checkExpression(compiler.addVariable(name, expression), at.child('expression'), errors);
  });
}

const isIdentifier = (name: string): boolean => /^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) && !reservedWords.has(name);
const reservedWords = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

export const validatingAdmissionPolicyKind: KindDefinition<ValidatingAdmissionPolicy> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  metadataLooks: ['object'],
  takesAnyFinalizer: true,
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
    const hasParams = spec.paramKind !== undefined;
    validateMatchConditions(spec.matchConditions ?? [], path('spec', 'matchConditions'), errors, hasParams);
    const compiler = new ExpressionCompiler({ params: hasParams, variables: (spec.variables?.length ?? 0) > 0 });
    validateVariables(spec.variables, compiler, errors);
    validateValidations(spec, compiler, errors);
    validateAuditAnnotations(object, compiler, errors);
  },
  subresources: {
    status: statusRules({
      keepsMetadata: true,
      validateUpdate({ status }, _current, errors) {
        status?.typeChecking?.expressionWarnings?.forEach(({ warning, fieldRef }, index) => {
          const at = path('status', 'typeChecking', 'expressionWarnings').index(index);
          required(warning, at.child('warning'), errors);
          required(fieldRef?.trim(), at.child('fieldRef'), errors);
        });
        validateConditions(status?.conditions, path('status', 'conditions'), errors);
      },
    }),
  },
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
