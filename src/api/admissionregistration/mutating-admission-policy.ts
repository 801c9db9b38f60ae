import type { MatchResources, MutatingAdmissionPolicy, Mutation } from '../../../generated/admissionregistration-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { countGeneration, startGeneration } from '../meta/strategy.ts';
import { checkSupported, requireSupported } from '../meta/supported.ts';
import { checkExpression, ExpressionCompiler, uses } from './expressions.ts';
import { validateMatchConditions } from './match-conditions.ts';
import { defaultMatchResources, paramKindCell, validateMatchResources, validateParamKind } from './match-resources.ts';
import { validateVariables } from './validating-admission-policy.ts';

/** What is deleted has no object that could be changed. */
export function checkMutatingOperations({ resourceRules }: MatchResources, at: FieldPath, errors: FieldErrors): void {
  const place = at.child('resourceRules', 'operations');
  for (const { operations = [] } of resourceRules ?? []) {
    for (const operation of operations) checkSupported(errors, place, operation, ['*', 'CONNECT', 'CREATE', 'UPDATE']);
  }
}

const bodies = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const;

function validateMutation(mutation: Mutation, compiler: ExpressionCompiler, at: FieldPath, errors: FieldErrors): void {
  const type = mutation.patchType as keyof typeof bodies;
  requireSupported(errors, at.child('patchType'), type, Object.keys(bodies));
  const own = bodies[type];
  if (!own) return;
  const body = mutation[own];
  if (!body) errors.required(at.child(own), `must be specified when patchType is ${type}`);
  else {
    const expression = body.expression?.trim();
    if (!expression) errors.required(at.child(own, 'expression'));
    else checkExpression(compiler.compile(expression, uses[own]), at.child(own, 'expression'), errors);
  }
  for (const other of Object.values(bodies)) {
    if (other !== own && mutation[other]) {
      errors.invalid(at.child(other), `{${other}}`, `must not be specified when patchType is ${type}`);
    }
  }
}

export const mutatingAdmissionPolicyKind: KindDefinition<MutatingAdmissionPolicy> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'MutatingAdmissionPolicy',
  metadataLooks: ['object'],
  takesAnyFinalizer: true,
  allowsUnconditionalUpdate: false,
  defaults({ spec }) {
    if (!spec) return;
    spec.failurePolicy ??= 'Fail';
    defaultMatchResources(spec.matchConstraints);
  },
  prepareForCreate: startGeneration,
  prepareForUpdate: (next, current) => countGeneration(next, current),
  validate({ spec: given }, errors) {
    const spec = given ?? ({} as NonNullable<typeof given>);
    checkSupported(errors, path('spec', 'failurePolicy'), spec.failurePolicy, ['Fail', 'Ignore']);
    if (spec.paramKind) validateParamKind(spec.paramKind, path('spec', 'paramKind'), errors);
    const at = path('spec', 'matchConstraints');
    if (!spec.matchConstraints) errors.required(at);
    else {
      validateMatchResources(spec.matchConstraints, at, errors);
      if (!spec.matchConstraints.resourceRules?.length) errors.required(at.child('resourceRules'));
      checkMutatingOperations(spec.matchConstraints, at, errors);
    }
    const hasParams = spec.paramKind !== undefined;
    validateMatchConditions(spec.matchConditions ?? [], path('spec', 'matchConditions'), errors, hasParams);
    const compiler = new ExpressionCompiler({ params: hasParams, variables: true });
    validateVariables(spec.variables, compiler, errors);
    const mutations = spec.mutations ?? [];
    if (!mutations.length) errors.required(path('spec', 'mutations'), 'mutations must contain at least one item');
    mutations.forEach((mutation, index) => {
      validateMutation(mutation, compiler, path('spec', 'mutations').index(index), errors);
    });
    requireSupported(errors, path('spec', 'reinvocationPolicy'), spec.reinvocationPolicy, ['IfNeeded', 'Never']);
  },
  columns: [
    nameColumn,
    {
      name: 'Mutations',
      type: 'integer',
      description: 'Mutations indicates the number of mutations rules defined in this configuration',
      cell: ({ spec }) => spec?.mutations?.length ?? 0,
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
