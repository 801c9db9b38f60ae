// The stage in which the API server comes up: certificates, server, the objects every cluster has, kubeconfigs.
import { writeFileSync } from 'node:fs';
import type { HealthCheck } from '../apiserver/discovery/health.ts';
import { flowControlMaintenance } from '../apiserver/flow-control/maintenance.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { every } from '../base/clock.ts';
import type { Client } from '../client/client.ts';
import { createClient } from '../client/create-client.ts';
import type { Store } from '../store/store.ts';
import { assembleApiServer } from './assemble-apiserver.ts';
import { openAuditor } from './audit.ts';
import { clusterObjects, ensureBootstrap, kubernetesService, nodeObjects } from './bootstrap.ts';
import { ComponentFigures } from './control/component-figures.ts';
import { joinObjects } from './join-objects.ts';
import { mergeKubeconfig, renderKubeconfig } from './kubeconfig.ts';
import type { Pki } from './pki.ts';
import { contextName } from './settings/layout.ts';
import { portTaken } from './settings/ports.ts';
import { announceServer, withdrawServer } from './settings/server-addresses.ts';
import { serviceIp } from './settings/service-range.ts';
import { isReachable, listenAddress, type Settings } from './settings/settings.ts';
import type { StartContext } from './start-context.ts';
import { userAgent } from './user-agents.ts';

const ownServiceMs = 10_000;

export interface StartedApiServer {
  readonly api: ApiServer;
  /** Requests of the server itself, as an administrator. */
  readonly admin: Client;
  readonly url: string;
  readonly figures: ComponentFigures;
}

export interface StoreOfServer {
  readonly store: Store;
  readonly healthChecks?: readonly HealthCheck[];
  /** Lines for `/metrics`. */
  readonly printMetrics?: () => string;
}

export async function startApiServer(
  context: StartContext,
  { store, healthChecks, printMetrics }: StoreOfServer,
  pki: Pki,
): Promise<StartedApiServer> {
  const { settings, isReal, state, timed, clock, random } = context;
  const log = context.log.with({ component: 'apiserver' });
  const [serving, kubeletClient, frontProxyClient] = await Promise.all([
    pki.ensure({ file: 'apiserver', commonName: 'kube-apiserver', hosts: servingHosts(settings) }),
    pki.ensure({
      file: 'apiserver-kubelet-client',
      commonName: 'kube-apiserver-kubelet-client',
      organizations: ['kubeadm:cluster-admins'],
    }),
    pki.ensure({ file: 'front-proxy-client', commonName: 'front-proxy-client', authority: 'front-proxy-ca' }),
  ]);
  // Pods reach the server by the machine's address; simulated ones reach nothing.
  const auditor = await openAuditor({ options: settings.audit, layout: context.layout, clock, log });
  const host = listenAddress(settings, isReal);
  const figures = new ComponentFigures(printMetrics);
  const api = assembleApiServer({
    figures,
    store,
    healthChecks: healthChecks ?? [],
    settings,
    pki,
    serving,
    kubeletClient,
    frontProxyClient,
    host,
    auditor,
    clock,
    random,
    log,
  });
  runUntilCleanup(context, api);
  await api.ready.catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' ? portTaken(settings.apiPort) : error;
  });
  log.info('serving', { address: `${host}:${settings.apiPort}` });
  const admin = createClient(inProcess(api), { userAgent: userAgent('coracle') });
  await ensureBootstrap(admin, api, [
    ...clusterObjects(settings, clock.now(), await announceServer(store, ownAddress(settings))),
    ...(context.options.only && !isReachable(settings) ? [] : nodeObjects()),
  ]);
  if (isReal || isReachable(settings)) await ensureBootstrap(admin, api, joinObjects(settings, pki.ca));
  keepOwnService(context, api, admin);
  keepFlowControl(context, api);
  const url = `https://${settings.address}:${settings.apiPort}`;
  state.set('apiserver', process.pid, url);
  timed('apiserver', `${url} ready`);
  await writeKubeconfigs(context, pki, url);
  return { api, admin, url, figures };
}

function runUntilCleanup({ cleanup, onFailure }: StartContext, api: ApiServer): void {
  const stopping = new AbortController();
  const running = api.run(stopping.signal).catch((error) => {
    if (!stopping.signal.aborted) onFailure(error as Error);
  });
  cleanup.defer(() => {
    stopping.abort();
    return running;
  });
}

const ownAddress = ({ address, apiPort: port }: Settings) => ({ address, port });

/** Somebody may delete the Service `kubernetes`, or its namespace's content: it comes back. */
function keepOwnService({ settings, cleanup, clock, log }: StartContext, api: ApiServer, admin: Client): void {
  const { store } = api.registry;
  const own = ownAddress(settings);
  const stopping = new AbortController();
  const look = async () => {
    const servers = await announceServer(store, own);
    await ensureBootstrap(admin, api, kubernetesService(settings, servers));
  };
  const running = (async () => {
    for await (const _ of every(clock, ownServiceMs, stopping.signal)) {
      await look().catch((error) => {
        if (!stopping.signal.aborted) log.warn('the Service kubernetes was not looked at', { error: String(error) });
      });
    }
  })();
  cleanup.defer(async () => {
    stopping.abort();
    await running;
    await withdrawServer(store, own);
  });
}

/** The objects of flow control; requests are served by the same rules until they are there. */
function keepFlowControl({ cleanup, clock, log, onFailure }: StartContext, server: ApiServer): void {
  const stopping = new AbortController();
  const running = flowControlMaintenance({ server, clock, log }).run(stopping.signal).catch(onFailure);
  cleanup.defer(() => {
    stopping.abort();
    return running;
  });
}

function servingHosts(settings: Settings): string[] {
  const { clusterDomain, address, serviceCidr, nodeName } = settings;
  const service = 'kubernetes kubernetes.default kubernetes.default.svc'.split(' ');
  const addresses = new Set(['127.0.0.1', address, serviceIp(serviceCidr, 1)]);
  return ['localhost', nodeName, ...service, `kubernetes.default.svc.${clusterDomain}`, ...addresses];
}

function inProcess(api: ApiServer) {
  const user = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
  return {
    request: (request: Parameters<ApiServer['handleInProcess']>[1]) => api.handleInProcess(user, request),
    async [Symbol.asyncDispose]() {},
  };
}

async function writeKubeconfigs(
  { layout, settings, report, timed }: StartContext,
  pki: Pki,
  server: string,
): Promise<void> {
  const admin = await pki.ensure({ file: 'admin', commonName: 'kubernetes-admin', organizations: ['system:masters'] });
  const { certificate, key } = admin;
  const access = { context: contextName(layout.name), server, ca: pki.ca, certificate, key };
  writeFileSync(layout.kubeconfig, renderKubeconfig(access), { mode: 0o600 });
  const previous = mergeKubeconfig(settings.kubeconfigFile, access);
  if (previous && previous !== access.context) {
    report({ type: 'notice', text: `the current context was "${previous}"` });
  }
  timed('kubeconfig', `context "${access.context}" is current in ${settings.kubeconfigFile}`);
}
