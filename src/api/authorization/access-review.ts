// Questions about rights. They are answered and never stored: the server validates, then fills in the status.
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectAccessReviewSpec,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from '../../../generated/authorization-v1.ts';
import type { KindDefinition } from '../kind.ts';
import { type FieldErrors, path } from '../meta/field-errors.ts';

const at = path('spec');

function validateSelectors({ resourceAttributes }: SelfSubjectAccessReviewSpec, errors: FieldErrors): void {
  for (const field of ['fieldSelector', 'labelSelector'] as const) {
    const { rawSelector, requirements } = resourceAttributes?.[field] ?? {};
    if (!rawSelector || !requirements?.length) continue;
    const place = at.child('resourceAttributes', field, 'rawSelector');
    errors.invalid(place, rawSelector, 'may not specified at the same time as requirements');
  }
}

function validateAttributes(spec: SelfSubjectAccessReviewSpec, errors: FieldErrors): void {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes && nonResourceAttributes) {
    errors.invalid(
      at.child('nonResourceAttributes'),
      shown(spec),
      'cannot be specified in combination with resourceAttributes',
    );
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    const problem = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    errors.invalid(at.child('resourceAttributes'), null, problem);
  }
  validateSelectors(spec, errors);
}

const shown = ({ nonResourceAttributes }: SelfSubjectAccessReviewSpec) => ({
  Path: nonResourceAttributes?.path ?? '',
  Verb: nonResourceAttributes?.verb ?? '',
});

function validateSubject(spec: SubjectAccessReviewSpec, errors: FieldErrors): void {
  validateAttributes(spec, errors);
  if (spec.user || spec.groups?.length) return;
  errors.invalid(at.child('user'), spec.user ?? '', 'at least one of user or group must be specified');
}

const group = { group: 'authorization.k8s.io', version: 'v1' };

export const subjectAccessReviewKind: KindDefinition<SubjectAccessReview> = {
  ...group,
  kind: 'SubjectAccessReview',
  validate: ({ spec }, errors) => validateSubject(spec ?? {}, errors),
};

export const selfSubjectAccessReviewKind: KindDefinition<SelfSubjectAccessReview> = {
  ...group,
  kind: 'SelfSubjectAccessReview',
  validate: ({ spec }, errors) => validateAttributes(spec ?? {}, errors),
};

export const localSubjectAccessReviewKind: KindDefinition<LocalSubjectAccessReview> = {
  ...group,
  kind: 'LocalSubjectAccessReview',
  validate({ metadata, spec = {} }, errors) {
    validateSubject(spec, errors);
    if (metadata.name) errors.invalid(path('metadata'), metadata, 'must be empty except for namespace');
    if (spec.nonResourceAttributes) {
      errors.invalid(at.child('nonResourceAttributes'), shown(spec), 'disallowed on this kind of request');
    }
  },
};
