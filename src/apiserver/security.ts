// Everything about who may do what, put together for createApiServer: authenticators, authorizers, admission, and the
// handlers of tokens, reviews and the pods' streams.

import type { ResourceQuota, Secret } from '../../generated/core-v1.ts';
import type { KubernetesObject } from '../api/meta/object.ts';
import { isConflict, isNotFound } from '../api/meta/status-error.ts';
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { AdmissionPlugin } from './admission/plugin.ts';
import { admissionPlugins } from './admission/plugins/index.ts';
import type { SaveQuota } from './admission/plugins/resource-quota.ts';
import { WebhookMetrics } from './admission/webhooks/metrics.ts';
import type { Authenticator } from './authn/authenticator.ts';
import { bootstrapTokenAuthenticator } from './authn/bootstrap-tokens.ts';
import { certificateAuthenticator } from './authn/certificate.ts';
import { type OpenIdPath, openIdPaths } from './authn/discovery.ts';
import type { SigningKey, VerifyingKey } from './authn/jwt.ts';
import { requestHeaderAuthenticator } from './authn/request-header.ts';
import { lastUsedLabel, ServiceAccountTokens } from './authn/service-account-tokens.ts';
import type { Authorizer } from './authz/authorizer.ts';
import { nodeAuthorizer } from './authz/node.ts';
import { rbacAuthorizer } from './authz/rbac.ts';
import { RbacRules } from './authz/rbac-rules.ts';
import { constantAuthorizer, mastersAuthorizer, unionAuthorizer } from './authz/union.ts';
import { OutboundClient } from './outbound/client.ts';
import { LateObjects } from './registry/late-objects.ts';
import type { ApiServer } from './server.ts';
import type { SubresourceHandler } from './subresources/handler.ts';
import { subresourceHandlers } from './subresources/index.ts';
import type { KubeletIdentity } from './subresources/kubelet.ts';

export type AuthorizationMode = 'Node' | 'RBAC' | 'AlwaysAllow' | 'AlwaysDeny';

export interface SecurityOptions {
  /** Signs tokens of service accounts; see signingKey() of authn/jwt.ts. */
  readonly signingKey: SigningKey;
  readonly otherKeys?: readonly VerifyingKey[];
  readonly issuer?: string;
  /** How others reach this server, for OpenID discovery: `https://10.0.0.1:6443`. */
  readonly serverUrl: string;
  readonly kubelet: KubeletIdentity;
  /** Who decides, in this order; default Node, RBAC. */
  readonly authorizationModes?: readonly AuthorizationMode[];
  readonly clock: Clock;
  readonly random: Random;
}

export interface Security {
  readonly authenticators: readonly Authenticator[];
  readonly authorizers: readonly Authorizer[];
  readonly admission: readonly AdmissionPlugin[];
  readonly handlers: readonly SubresourceHandler[];
  readonly extraPaths: readonly OpenIdPath[];
  readonly tokens: ServiceAccountTokens;
  /** The server's way out; it closes it when it ends. */
  readonly outbound: OutboundClient;
  /** Figures of admission for /metrics. */
  printMetrics(): string;
  /** Call it with the server before the server runs. */
  bind(server: Pick<ApiServer, 'objects' | 'writer' | 'table' | 'registry'>): void;
}

/** Common names of front proxies that are believed. */
export const frontProxyNames = ['front-proxy-client'];

export const defaultIssuer = 'https://kubernetes.default.svc.cluster.local';

export function createSecurity(options: SecurityOptions): Security {
  const { signingKey, otherKeys = [], issuer = defaultIssuer, serverUrl, kubelet, clock, random } = options;
  const objects = new LateObjects();
  const marking = new Set<string>();
  const onSecretUsed = (secret: Secret) => {
    const { uid = '' } = secret.metadata;
    if (marking.has(uid) || !server) return;
    marking.add(uid);
    void markUsed(server, secret, clock.now()).finally(() => marking.delete(uid));
  };
  const tokens = new ServiceAccountTokens({ issuer, signingKey, otherKeys, objects, clock, random, onSecretUsed });
  const rules = new RbacRules(objects);
  const byMode: Readonly<Record<AuthorizationMode, () => Authorizer>> = {
    Node: () => nodeAuthorizer(objects),
    RBAC: () => rbacAuthorizer(rules),
    AlwaysAllow: () => constantAuthorizer('allow'),
    AlwaysDeny: () => constantAuthorizer('none'),
  };
  const { authorizationModes = ['Node', 'RBAC'] } = options;
  const authorizers = [mastersAuthorizer, ...authorizationModes.map((mode) => byMode[mode]())];
  const authorizer = unionAuthorizer(authorizers);
  let server: Parameters<Security['bind']>[0] | undefined;
  const saveQuota: SaveQuota = (quota) => storeUsage(server!, quota);
  const outbound = new OutboundClient();
  const metrics = new WebhookMetrics();
  const webhooks = { client: outbound, authorizer, random, clock, metrics };
  const admission = admissionPlugins({ authorizer, rules, random, saveQuota, webhooks });
  return {
    authenticators: [
      requestHeaderAuthenticator(frontProxyNames),
      certificateAuthenticator,
      tokens,
      bootstrapTokenAuthenticator(objects, clock),
    ],
    authorizers,
    admission,
    handlers: subresourceHandlers({ authorizer, tokens, kubelet }),
    extraPaths: openIdPaths(tokens, serverUrl),
    tokens,
    outbound,
    printMetrics: () => metrics.print(),
    bind(bound) {
      server = bound;
      objects.bind(bound.objects);
    },
  };
}

/** The day a token was used, on its Secret. Best effort: the next use tries again. */
async function markUsed(
  { writer, table }: Pick<ApiServer, 'writer' | 'table'>,
  { metadata: { namespace = '', name = '', uid = '' } }: Secret,
  nowMs: number,
): Promise<void> {
  const user = { username: 'system:apiserver', groups: ['system:masters'] };
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const mark = (current: KubernetesObject) => {
    current.metadata.labels = { ...current.metadata.labels, [lastUsedLabel]: today };
    return current;
  };
  const options = { user, isDryRun: false, uidPrecondition: uid };
  await writer.update(table.stored('', 'secrets')!, namespace, name, mark, options).catch(() => undefined);
}

/** Past admission, which is what asks for it. False when the quota has changed meanwhile. */
async function storeUsage(
  { writer, table, registry }: Pick<ApiServer, 'writer' | 'table' | 'registry'>,
  quota: ResourceQuota,
): Promise<boolean> {
  const { namespace = '', name, resourceVersion } = quota.metadata;
  const user = { username: 'system:apiserver', groups: ['system:masters'] };
  const resource = table.stored('', 'resourcequotas')!;
  try {
    await writer.update(
      resource,
      namespace,
      name,
      (current) => ({ ...current, status: quota.status }) as ResourceQuota,
      {
        user,
        isDryRun: false,
        subresource: 'status',
        resourceVersionPrecondition: resourceVersion!,
        skipsAdmission: true,
        skipsValidation: true,
      },
    );
    return true;
  } catch (error) {
    if (!isConflict(error) && !isNotFound(error)) throw error;
    // Another server wrote it: what is tried next is what stands there now.
    await registry.headOf(resource).waitForHead();
    return false;
  }
}
