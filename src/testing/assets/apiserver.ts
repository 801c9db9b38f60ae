// An API server as kube-apiserver would be with these flags: alone, no controllers, its data where etcd's stand-in says, or
// in a real etcd.
import { mkdirSync } from 'node:fs';
import { buildResources } from '../../api/build-resources.ts';
import { kindDefinitions } from '../../api/kinds.ts';
import { unauthorized } from '../../api/meta/status-error.ts';
import type { Authenticator } from '../../apiserver/authn/authenticator.ts';
import { signingKey, verifyingKey } from '../../apiserver/authn/jwt.ts';
import { requestHeaderAuthenticator } from '../../apiserver/authn/request-header.ts';
import { flowControlMaintenance } from '../../apiserver/flow-control/maintenance.ts';
import { createSecurity } from '../../apiserver/security.ts';
import { type ApiServer, createApiServer } from '../../apiserver/server.ts';
import { systemClock as clock, every } from '../../base/clock.ts';
import { createLogger, type Logger } from '../../base/log.ts';
import { systemRandom as random } from '../../base/random.ts';
import { createClient } from '../../client/create-client.ts';
import { openAuditor } from '../../cluster/audit.ts';
import { ensureBootstrap, kubernetesService, upstreamObjects } from '../../cluster/bootstrap.ts';
import { layoutOf } from '../../cluster/settings/layout.ts';
import { hostAddress, type Settings } from '../../cluster/settings/settings.ts';
import { createCompactor } from '../../store/compactor.ts';
import type { Store } from '../../store/store.ts';
import { upstreamDefaultPlugins } from './admission-defaults.ts';
import type { ApiServerLaunch } from './apiserver-options.ts';
import { openLaunchStore } from './launch-store.ts';
import { tokenFileAuthenticator } from './token-file.ts';

const ownServiceMs = 10_000;

/** Serves until the signal aborts. */
export async function runApiServer(launch: ApiServerLaunch, signal: AbortSignal): Promise<void> {
  const log = createLogger((line) => process.stderr.write(`${line}\n`), 'warn');
  for (const note of launch.notes) log.warn(note);
  await using store = await openLaunchStore(launch);
  const settings = settingsOf(launch);
  const serving = launch.serving ?? (await selfSigned(launch, settings.address));
  let isBootstrapped = false;
  const server = await createServer({ launch, store, settings, serving, log, isBootstrapped: () => isBootstrapped });
  const running = [server.run(signal)];
  await server.ready;
  const admin = createClient({
    request: (request) => server.handleInProcess(administrator, request),
    async [Symbol.asyncDispose]() {},
  });
  const own = { address: settings.address, port: settings.apiPort };
  await ensureBootstrap(admin, server, upstreamObjects(settings, clock.now(), [own]));
  isBootstrapped = true;
  const keepOwnService = async () => {
    for await (const _ of every(clock, ownServiceMs, signal))
      await ensureBootstrap(admin, server, kubernetesService(settings, [own])).catch((error) =>
        log.warn('the Service kubernetes was not looked at', { error: String(error) }),
      );
  };
  running.push(
    keepOwnService(),
    flowControlMaintenance({ server, clock, log }).run(signal),
    createCompactor({ store, clock, log }).run(signal),
  );
  await Promise.all(running);
}

const administrator = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

interface ServerParts {
  readonly launch: ApiServerLaunch;
  readonly store: Store;
  readonly settings: Settings;
  readonly serving: { readonly cert: string; readonly key: string };
  readonly log: Logger;
  isBootstrapped(): boolean;
}

async function createServer({
  launch,
  store,
  settings,
  serving,
  log,
  isBootstrapped,
}: ServerParts): Promise<ApiServer> {
  const layout = layoutOf('envtest', launch.certDir);
  const auditor = await openAuditor({ options: launch.audit, layout, clock, log });
  const security = createSecurity({
    signingKey: signingKey(launch.signingKey),
    otherKeys: launch.verifyingKeys.map((pem) => verifyingKey(pem)),
    issuer: launch.issuer,
    serverUrl: `https://${settings.address}:${settings.apiPort}`,
    kubelet: { cert: '', key: '', ca: '' },
    authorizationModes: launch.authorizationModes,
    clock,
    random,
  });
  const enabled = new Set([...upstreamDefaultPlugins, ...launch.enabledPlugins]);
  for (const name of launch.disabledPlugins) enabled.delete(name);
  const { clientCa, requestHeaderCa } = launch;
  const server = createApiServer({
    store,
    resources: buildResources(kindDefinitions),
    ...security,
    authenticators: authenticators(launch, security.authenticators),
    admission: security.admission.filter(({ name }) => enabled.has(name)),
    healthChecks: [
      {
        name: 'poststarthook/bootstrap-objects',
        on: ['healthz', 'readyz'],
        problem: () => (isBootstrapped() ? undefined : 'not finished'),
      },
    ],
    listen: {
      host: launch.host,
      port: launch.port,
      tls: { ...serving, clientCa, ...(requestHeaderCa ? { requestHeaderCa } : {}) },
    },
    proxyIdentity: launch.proxyClient,
    ...(requestHeaderCa
      ? { trustedAuthorities: { clientCa, requestHeaderCa, allowedNames: launch.requestHeaderNames } }
      : {}),
    serviceCidr: settings.serviceCidr,
    nodePortRange: launch.nodePortRange,
    eventTtlMs: launch.eventTtlMs,
    requestTimeoutMs: launch.requestTimeoutMs,
    seats: launch.seats,
    ...(auditor ? { auditor } : {}),
    clock,
    random,
    log,
  });
  security.bind(server);
  return server;
}

/** Ours, with those the flags ask for beside them. */
function authenticators(launch: ApiServerLaunch, own: readonly Authenticator[]): Authenticator[] {
  const [, ...others] = own;
  return [
    requestHeaderAuthenticator(launch.requestHeaderNames),
    ...others,
    ...(launch.tokenFile ? [tokenFileAuthenticator(launch.tokenFile)] : []),
    ...(launch.allowsAnonymous ? [] : [nobodyElse]),
  ];
}

const nobodyElse: Authenticator = {
  async authenticate() {
    throw unauthorized();
  },
};

function settingsOf(launch: ApiServerLaunch): Settings {
  const address = launch.advertiseAddress ?? (/^(0\.|127\.|::)/.test(launch.host) ? hostAddress() : launch.host);
  return {
    name: 'envtest',
    simulatedNodes: 0,
    apiPort: launch.port,
    agentPort: 10_250,
    podCidr: '',
    serviceCidr: launch.serviceCidr,
    clusterDomain: 'cluster.local',
    nodeName: 'envtest',
    address,
    kubeconfigFile: '',
  };
}

/** As upstream: a certificate of its own in the directory, when it was given none. */
async function selfSigned({ certDir }: ApiServerLaunch, address: string): Promise<{ cert: string; key: string }> {
  mkdirSync(certDir, { recursive: true, mode: 0o700 });
  const { openPki } = await import('../../cluster/pki.ts');
  const pki = await openPki(certDir, clock.now());
  const hosts = ['localhost', '127.0.0.1', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', address];
  const { certificate, key } = await pki.ensure({ file: 'apiserver', commonName: 'kube-apiserver', hosts });
  return { cert: certificate, key };
}
