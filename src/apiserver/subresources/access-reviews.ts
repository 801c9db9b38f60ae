// Questions about rights, answered by the authorizers themselves. Reviews are never stored.
import type {
  NonResourceAttributes,
  ResourceAttributes,
  SelfSubjectRulesReview,
  SubjectAccessReview,
  SubjectAccessReviewStatus,
} from '../../../generated/authorization-v1.ts';
import type { FieldSelectorRequirement } from '../../../generated/meta-v1.ts';
import { FieldErrors, type FieldPath, path } from '../../api/meta/field-errors.ts';
import { validateRequirement } from '../../api/meta/labels.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { badRequest, invalid } from '../../api/meta/status-error.ts';
import { canonical } from '../../schema/codec.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { aggregate } from '../authz/union.ts';
import { objectAnswer } from '../http/answer.ts';
import { questionOf } from './asked-attributes.ts';
import type { SubresourceHandler, SubresourceRequest } from './handler.ts';

const group = 'authorization.k8s.io';

type Review = SubjectAccessReview & KubernetesObject;
type Spec = Review['spec'];

function reviewHandler(
  resource: string,
  answer: (review: Review, request: SubresourceRequest) => Promise<object>,
): SubresourceHandler {
  return {
    group,
    resource,
    subresource: '',
    methods: ['POST'],
    async handle(request) {
      const { kind, version, typeName } = request.resource;
      const review = (await request.decode({ group, version, kind, typeName })) as Review;
      await request.admit({ operation: 'CREATE', object: review, kind: { group, version, kind, typeName } });
      return objectAnswer(201, canonical(typeName, await answer(review, request)), typeName);
    },
  };
}

export function accessReviews(authorizer: Authorizer): SubresourceHandler[] {
  const decide = async (spec: Spec, user: UserInfo): Promise<SubjectAccessReviewStatus> => {
    const { attributes, evaluationError } = questionOf(spec, user);
    const { verdict, reason } = await authorizer.authorize(attributes);
    return {
      allowed: verdict === 'allow',
      ...(verdict === 'deny' ? { denied: true } : {}),
      ...(reason ? { reason } : {}),
      ...(evaluationError ? { evaluationError } : {}),
    };
  };
  return [
    reviewHandler('subjectaccessreviews', async (review) => {
      check(review, { needsSubject: true });
      return { ...review, status: await decide(review.spec, subjectOf(review.spec)) };
    }),
    reviewHandler('localsubjectaccessreviews', async (review, { info }) => {
      const { namespace } = info;
      if ((review.metadata?.namespace || namespace) !== namespace) {
        throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
      }
      review.metadata = { ...review.metadata, namespace };
      check(review, { needsSubject: true, isLocal: true });
      return { ...review, status: await decide(review.spec, subjectOf(review.spec)) };
    }),
    reviewHandler('selfsubjectaccessreviews', async (review, { user }) => {
      check(review, {});
      return { ...review, status: await decide(review.spec, user) };
    }),
    reviewHandler('selfsubjectrulesreviews', async (review, { user }) => {
      const { namespace } = (review as unknown as SelfSubjectRulesReview).spec;
      if (!namespace) throw badRequest('no namespace on request');
      // Nothing of what was sent is sent back.
      const { apiVersion, kind } = review;
      return { apiVersion, kind, metadata: {}, spec: {}, status: rulesOf(authorizer, user, namespace) };
    }),
  ];
}

function subjectOf({ user = '', groups = [], uid, extra }: Spec): UserInfo {
  return { username: user, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) };
}

/** Values in messages are upstream's Go structs, with their field names. */
const goStruct = ({ path: url = '', verb = '' }: NonResourceAttributes) => ({ Path: url, Verb: verb });

function check({ metadata, spec }: Review, { needsSubject = false, isLocal = false }): void {
  const errors = new FieldErrors();
  const at = path('spec');
  const { resourceAttributes, nonResourceAttributes, user, groups } = spec;
  if (resourceAttributes && nonResourceAttributes) {
    const problem = 'cannot be specified in combination with resourceAttributes';
    errors.invalid(at.child('nonResourceAttributes'), goStruct(nonResourceAttributes), problem);
  } else if (!resourceAttributes && !nonResourceAttributes) {
    const problem = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    errors.invalid(at.child('resourceAttributes'), null, problem);
  }
  if (needsSubject && !user && !groups?.length) {
    errors.invalid(at.child('user'), '', 'at least one of user or group must be specified');
  }
  if (resourceAttributes) checkSelectors(resourceAttributes, errors);
  checkMetadata(metadata, isLocal, errors);
  if (isLocal && resourceAttributes && (resourceAttributes.namespace ?? '') !== metadata.namespace) {
    const at = path('spec', 'resourceAttributes', 'namespace');
    errors.invalid(at, resourceAttributes.namespace ?? '', 'must match metadata.namespace');
  }
  if (isLocal && nonResourceAttributes) {
    errors.invalid(
      at.child('nonResourceAttributes'),
      goStruct(nonResourceAttributes),
      'disallowed on this kind of request',
    );
  }
  if (errors.isEmpty) return;
  const error = invalid({ group, name: '' }, '', errors.summary(), errors.causes());
  // These objects have no kind of their own in upstream's error.
  delete (error.status.details as { kind?: string }).kind;
  throw error;
}

function checkMetadata(metadata: Review['metadata'], isLocal: boolean, errors: FieldErrors): void {
  const rest: Record<string, unknown> = { ...metadata };
  delete rest['managedFields'];
  delete rest['creationTimestamp'];
  if (isLocal) delete rest['namespace'];
  if (Object.keys(rest).length === 0) return;
  const problem = isLocal ? 'must be empty except for namespace' : 'must be empty';
  errors.invalid(path('metadata'), metadata, problem);
}

function checkSelectors({ fieldSelector, labelSelector }: ResourceAttributes, errors: FieldErrors): void {
  for (const [name, selector] of [
    ['fieldSelector', fieldSelector],
    ['labelSelector', labelSelector],
  ] as const) {
    if (!selector) continue;
    const at = path('spec', 'resourceAttributes', name);
    const { rawSelector = '', requirements = [] } = selector;
    if (rawSelector && requirements.length > 0) {
      errors.invalid(at.child('rawSelector'), rawSelector, 'may not specified at the same time as requirements');
    }
    if (!rawSelector && requirements.length === 0) {
      errors.required(at.child('requirements'), `when ${at} is specified, requirements or rawSelector is required`);
    }
    requirements.forEach((requirement, index) => {
      const place = at.child('requirements').index(index);
      if (name === 'labelSelector') validateRequirement(requirement, place, errors, { allowsUnknownOperators: true });
      else checkFieldRequirement(requirement, place, errors);
    });
  }
}

/** Operators of later versions are left to the evaluation. */
function checkFieldRequirement(
  { key, operator, values = [] }: FieldSelectorRequirement,
  at: FieldPath,
  errors: FieldErrors,
): void {
  if (!key) errors.required(at.child('key'), 'must be specified');
  if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
    errors.required(at.child('values'), "must be specified when `operator` is 'In' or 'NotIn'");
  }
  if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
    errors.forbidden(at.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  }
}

function rulesOf(authorizer: Authorizer, user: UserInfo, namespace: string) {
  const {
    resourceRules = [],
    nonResourceRules = [],
    incomplete = false,
    errors = [],
  } = authorizer.rulesFor?.(user, namespace) ?? {};
  return {
    resourceRules,
    nonResourceRules,
    incomplete,
    ...(errors.length > 0 ? { evaluationError: aggregate(errors) } : {}),
  };
}
