// The handlers of everything that is not a plain read or write.
import type { ServiceAccountTokens } from '../authn/service-account-tokens.ts';
import type { Authorizer } from '../authz/authorizer.ts';
import { accessReviews } from './access-reviews.ts';
import { bindPod, createBinding } from './binding.ts';
import { evictPod } from './eviction.ts';
import type { SubresourceHandler } from './handler.ts';
import { identityReviews } from './identity-reviews.ts';
import type { KubeletIdentity } from './kubelet.ts';
import { podLog } from './pod-log.ts';
import { podStreams } from './pod-streams.ts';
import { proxies } from './proxy.ts';
import { requestToken } from './token-request.ts';

export interface HandlerOptions {
  readonly authorizer: Authorizer;
  readonly tokens: ServiceAccountTokens;
  readonly kubelet: KubeletIdentity;
}

export function subresourceHandlers({ authorizer, tokens, kubelet }: HandlerOptions): SubresourceHandler[] {
  return [
    bindPod,
    createBinding,
    evictPod(),
    requestToken(tokens),
    ...accessReviews(authorizer),
    ...identityReviews(tokens),
    podLog(kubelet),
    ...podStreams(kubelet, authorizer),
    ...proxies(kubelet),
  ];
}
