import type { IngressClass, IngressClassParametersReference } from '../../../generated/networking-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { ageColumn, nameColumn } from '../meta/columns.ts';
import { type FieldErrors, type FieldPath, path } from '../meta/field-errors.ts';
import { dns1123LabelProblems, dns1123SubdomainProblems, pathSegmentProblems } from '../meta/names.ts';
import { checkImmutable, countGeneration, startGeneration } from '../meta/strategy.ts';
import { checkSupported } from '../meta/supported.ts';
import { required, validateBy } from '../meta/value-validation.ts';

const maxControllerBytes = 250;

/** `example.com/name`. */
function validateController(controller: string, at: FieldPath, errors: FieldErrors): void {
  if (controller.length > maxControllerBytes) errors.tooLong(at, maxControllerBytes);
  const slash = controller.indexOf('/');
  const [domain, rest] = [controller.slice(0, slash), controller.slice(slash + 1)];
  if (slash < 1 || !rest) {
    errors.invalid(at, controller, 'must be a domain-prefixed path (such as "acme.io/foo")');
    return;
  }
  validateBy(dns1123SubdomainProblems, domain, at, errors);
}

function validateParameters(reference: IngressClassParametersReference, at: FieldPath, errors: FieldErrors): void {
  const { apiGroup, kind, name, scope, namespace } = reference;
  if (apiGroup !== undefined) validateBy(dns1123SubdomainProblems, apiGroup, at.child('apiGroup'), errors);
  if (required(kind, at.child('kind'), errors)) validateBy(pathSegmentProblems, kind, at.child('kind'), errors);
  if (required(name, at.child('name'), errors)) validateBy(pathSegmentProblems, name, at.child('name'), errors);
  if (scope === undefined) errors.required(at.child('scope'));
  else checkSupported(errors, at.child('scope'), scope, ['Cluster', 'Namespace']);
  if (scope === 'Namespace') {
    if (required(namespace, at.child('namespace'), errors, "`parameters.scope` is set to 'Namespace'")) {
      validateBy(dns1123LabelProblems, namespace!, at.child('namespace'), errors);
    }
  } else if (scope === 'Cluster' && namespace !== undefined) {
    errors.forbidden(at.child('namespace'), "`parameters.scope` is set to 'Cluster'");
  }
}

function parametersCell({ spec }: IngressClass): string {
  const { kind, apiGroup, name } = spec?.parameters ?? {};
  return kind ? `${kind}${apiGroup ? `.${apiGroup}` : ''}/${name}` : '<none>';
}

export const ingressClassKind: KindDefinition<IngressClass> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  metadataLooks: ['change', 'object'],
  judgesChangesFirst: true,
  defaults({ spec }) {
    if (spec?.parameters) spec.parameters.scope ??= 'Cluster';
  },
  prepareForCreate: startGeneration,
  prepareForUpdate: (next, current) => countGeneration(next, current),
  validate({ spec }, errors) {
    const controller = spec?.controller ?? '';
    if (required(controller, path('spec', 'controller'), errors)) {
      validateController(controller, path('spec', 'controller'), errors);
    }
    if (spec?.parameters) validateParameters(spec.parameters, path('spec', 'parameters'), errors);
  },
  validateUpdate(next, current, errors) {
    checkImmutable(errors, path('spec', 'controller'), next.spec?.controller ?? '', current.spec?.controller ?? '');
  },
  columns: [
    nameColumn,
    {
      name: 'Controller',
      type: 'string',
      description: 'Controller that is responsible for handling this class',
      cell: ({ spec }) => spec?.controller ?? '',
    },
    {
      name: 'Parameters',
      type: 'string',
      description: 'A reference to a resource with additional parameters',
      cell: parametersCell,
    },
    ageColumn,
  ],
};
