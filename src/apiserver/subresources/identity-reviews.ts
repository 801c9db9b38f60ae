// Questions about identity: whose token is this, and who am I.
import type { TokenReview } from '../../../generated/authentication-v1.ts';
import type { KubernetesObject } from '../../api/meta/object.ts';
import { badRequest } from '../../api/meta/status-error.ts';
import { rfc3339 } from '../../base/clock.ts';
import { canonical } from '../../schema/codec.ts';
import type { UserInfo } from '../authn/authenticator.ts';
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts';
import { withAuthenticatedGroup } from '../authn/users.ts';
import { objectAnswer } from '../http/answer.ts';
import type { SubresourceHandler } from './handler.ts';

const group = 'authentication.k8s.io';

export function identityReviews(tokens: ServiceAccountTokens): SubresourceHandler[] {
  return [reviewToken(tokens), reviewSelf];
}

function reviewToken(tokens: ServiceAccountTokens): SubresourceHandler {
  return {
    group,
    resource: 'tokenreviews',
    subresource: '',
    methods: ['POST'],
    async handle(request) {
      const { kind, version, typeName } = request.resource;
      const review = (await request.decode({ group, version, kind, typeName })) as TokenReview & KubernetesObject;
      await request.admit({ operation: 'CREATE', object: review, kind: { group, version, kind, typeName } });
      const { token, audiences } = review.spec;
      if (!token) throw badRequest('token is required for TokenReview in authentication');
      const verdict = tokens.review(token, audiences?.length ? audiences : tokens.audiences);
      const status =
        'user' in verdict
          ? { authenticated: true, user: printed(withAuthenticatedGroup(verdict.user)), audiences: verdict.audiences }
          : { user: {}, error: verdict.error ? `[invalid bearer token, ${verdict.error}]` : 'invalid bearer token' };
      return objectAnswer(201, canonical(typeName, { ...review, status }), typeName);
    },
  };
}

const reviewSelf: SubresourceHandler = {
  group,
  resource: 'selfsubjectreviews',
  subresource: '',
  methods: ['POST'],
  async handle(request) {
    const { kind, version, typeName } = request.resource;
    const review = await request.decode({ group, version, kind, typeName });
    await request.admit({ operation: 'CREATE', object: review, kind: { group, version, kind, typeName } });
    // Nothing of what was sent is sent back.
    const { apiVersion } = review;
    const metadata = { creationTimestamp: rfc3339(request.clock.now()) };
    const status = { userInfo: printed(request.user) };
    return objectAnswer(201, canonical(typeName, { apiVersion, kind, metadata, status }), typeName);
  },
};

function printed({ username, uid, groups, extra }: UserInfo) {
  return { username, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) };
}
