// The API server of a cluster, with everything about who may do what.
import { buildResources } from '../api/build-resources.ts';
import { kindDefinitions } from '../api/kinds.ts';
import type { Auditor } from '../apiserver/audit/auditor.ts';
import { signingKey } from '../apiserver/authn/jwt.ts';
import type { HealthCheck } from '../apiserver/discovery/health.ts';
import { createSecurity, frontProxyNames } from '../apiserver/security.ts';
import { type ApiServer, createApiServer } from '../apiserver/server.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Store } from '../store/store.ts';
import type { ComponentFigures } from './control/component-figures.ts';
import type { KeyPair, Pki } from './pki.ts';
import type { Settings } from './settings/settings.ts';

export interface ApiServerParts {
  readonly store: Store;
  readonly healthChecks: readonly HealthCheck[];
  readonly settings: Settings;
  readonly pki: Pki;
  readonly serving: KeyPair;
  /** How the server shows itself to node agents. */
  readonly kubeletClient: KeyPair;
  /** And to servers behind it. */
  readonly frontProxyClient: KeyPair;
  readonly host: string;
  readonly auditor?: Auditor | undefined;
  readonly figures: ComponentFigures;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export function assembleApiServer(parts: ApiServerParts): ApiServer {
  const { store, settings, pki, serving, kubeletClient, frontProxyClient, clock, random, log } = parts;
  const security = createSecurity({
    signingKey: signingKey(pki.serviceAccountKey.key),
    serverUrl: `https://${settings.address}:${settings.apiPort}`,
    kubelet: { cert: kubeletClient.certificate, key: kubeletClient.key, ca: pki.ca },
    clock,
    random,
  });
  const server = createApiServer({
    store,
    healthChecks: parts.healthChecks,
    resources: buildResources(kindDefinitions),
    ...security,
    listen: {
      host: parts.host,
      port: settings.apiPort,
      tls: { cert: serving.certificate, key: serving.key, clientCa: pki.ca, requestHeaderCa: pki.frontProxyCa },
    },
    proxyIdentity: { cert: frontProxyClient.certificate, key: frontProxyClient.key },
    trustedAuthorities: { clientCa: pki.ca, requestHeaderCa: pki.frontProxyCa, allowedNames: frontProxyNames },
    serviceCidr: settings.serviceCidr,
    ...(settings.storage?.eventTtlMs === undefined ? {} : { eventTtlMs: settings.storage.eventTtlMs }),
    extraPaths: [...security.extraPaths, ...parts.figures.pages()],
    printMetrics: () => parts.figures.print(),
    ...(parts.auditor ? { auditor: parts.auditor } : {}),
    clock,
    random,
    log,
  });
  security.bind(server);
  return server;
}
