// Starts a cluster in this process, in order, telling of each step; and stops it in reverse.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeKind } from '../../generated/kinds.ts';
import { isConditionTrue } from '../api/meta/conditions.ts';
import type { ApiServer } from '../apiserver/server.ts';
import { systemClock } from '../base/clock.ts';
import { createLogger } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createClient } from '../client/create-client.ts';
import { createCompactor } from '../store/compactor.ts';
import { openSqliteStore } from '../store/engines/sqlite.ts';
import { assembleApiServer } from './assemble-apiserver.ts';
import { clusterObjects, ensureBootstrap } from './bootstrap.ts';
import { startControlWorker } from './control-worker.ts';
import { exitCodes, UserFailure } from './failure.ts';
import { mergeKubeconfig, renderKubeconfig } from './kubeconfig.ts';
import { contextName, type Layout } from './layout.ts';
import { openLogFile } from './log-file.ts';
import { openPki, type Pki } from './pki.ts';
import type { Programs } from './preflight.ts';
import { serviceIp } from './service-range.ts';
import { ensureSettings, type Settings } from './settings.ts';
import { StateFile } from './state-file.ts';
import { type ComponentName, componentNames, type Report, type UpOptions } from './up-options.ts';

export interface RunningServer {
  /** Stops everything but pods and containerd. */
  stop(): Promise<void>;
}

const clock = systemClock;
const random = systemRandom;

export async function startServer(options: UpOptions, report: Report): Promise<RunningServer> {
  const { layout } = options;
  const started = clock.monotonicMs();
  const timed = stepTimer(report);
  const isReal = options.simulatedNodes === undefined && !options.only;
  const programs = isReal ? (await import('./preflight.ts')).checkRealNode() : undefined;
  const { settings, isNew } = await ensureSettings(layout, options);
  for (const folder of [layout.dataDir, layout.logs, layout.node]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  timed(
    'preflight',
    isReal ? 'root, containerd, runc, CNI plugins and nft are here' : 'nothing but this program is needed',
  );

  const logFile = openLogFile(join(layout.logs, 'server.log'));
  const log = createLogger((line) => logFile.write(line));
  const writeLog = (line: string) => logFile.write(line);
  // A part that cannot go on takes the rest down in order; pods stay for the next start.
  const onFailure = (error: Error) => {
    log.error('a component failed', error);
    process.kill(process.pid, 'SIGTERM');
  };
  const state = new StateFile(layout, clock.now());
  const cleanup = new AsyncDisposableStack();
  const stopping = new AbortController();
  try {
    // containerd takes longest to come up and needs nothing of ours.
    const containerd = programs ? startContainerd(layout, programs) : undefined;
    containerd?.catch(() => {}); // reported where it is awaited
    const [store, pki] = await Promise.all([
      openSqliteStore({ file: join(layout.store, 'state.db') }),
      openPki(layout.pki, clock.now()),
    ]);
    cleanup.use(store);
    cleanup.defer(() => stopping.abort());
    state.set('store', process.pid, join(layout.store, 'state.db'));
    timed('store', `${isNew ? 'new' : 'found'}, ${layout.store}`);

    const server = await startApiServer(
      { settings, pki, store, isReal, log: log.with({ component: 'apiserver' }) },
      stopping.signal,
    );
    cleanup.defer(() => {
      stopping.abort();
      return server.stopped();
    });
    const admin = createClient(inProcess(server.api));
    await ensureBootstrap(admin, server.api.table.all(), clusterObjects(settings));
    const url = `https://${isReal ? settings.address : '127.0.0.1'}:${settings.apiPort}`;
    state.set('apiserver', process.pid, url);
    timed('apiserver', `${url} ready`);
    await writeKubeconfigs(layout, settings, pki, url, report);
    timed('kubeconfig', `context "${contextName(layout.name)}" is current in ${settings.kubeconfigFile}`);

    const wanted: readonly ComponentName[] = options.only ?? componentNames;
    const loops = wanted.filter((name) => name !== 'apiserver');
    if (loops.length > 0) {
      const worker = await startControlWorker({
        server: server.api,
        settings: {
          controllers: { rootCa: pki.ca, clusterCidr: settings.podCidr },
          only: loops,
          ...(isReal ? { dnsServiceCidr: settings.serviceCidr } : {}),
        },
        writeLog,
        onFailure,
      });
      cleanup.defer(() => worker.stop());
      for (const name of loops) state.set(name, process.pid, url);
      timed('controllers', `${loops.join(' and ')} running`);
    }

    const compacting = new AbortController();
    const compactor = createCompactor({ store, clock, log: log.with({ component: 'store' }) }).run(compacting.signal);
    cleanup.defer(() => {
      compacting.abort();
      return compactor;
    });

    if (!options.only) {
      if (containerd) {
        const { pid, socketPath } = await containerd;
        state.set('containerd', pid, socketPath);
        timed('containerd', socketPath);
        const [{ startNodeChild }, { issueNodeIdentities }] = await Promise.all([
          import('./node-child.ts'),
          import('./node-identities.ts'),
        ]);
        await issueNodeIdentities(pki, settings);
        const node = startNodeChild(
          { layout, settings, containerdSocket: socketPath },
          {
            logFile: join(layout.logs, 'node.log'),
            clock,
            log: log.with({ component: 'node' }),
            onStart: (pid) => state.set('node', pid, `https://${settings.address}:${settings.agentPort}`),
          },
        );
        cleanup.defer(() => node.stop());
      } else if (settings.simulatedNodes) {
        const { startSimulatedNodes } = await import('./simulated-nodes.ts');
        const { simulatedNodes: count, clusterDomain } = settings;
        const nodes = await startSimulatedNodes({
          server: server.api,
          settings: { count, clusterDomain },
          writeLog,
          onFailure,
        });
        cleanup.defer(() => nodes.stop());
        state.set('node', process.pid, `${settings.simulatedNodes} simulated`);
      }
      const count = settings.simulatedNodes ?? 1;
      if (count > 0) {
        await untilNodesReady(admin, count);
        timed(
          'node',
          count === 1 ? `${isReal ? settings.nodeName : '1 simulated'} Ready` : `${count} simulated nodes Ready`,
        );
      }
    }
    report({
      type: 'ready',
      context: contextName(layout.name),
      ms: clock.monotonicMs() - started,
      rssBytes: state.residentBytes(),
    });
  } catch (error) {
    state.clear();
    await cleanup.disposeAsync();
    throw error;
  }
  return {
    async stop() {
      await cleanup.disposeAsync();
      state.clear();
      logFile[Symbol.dispose]();
    },
  };
}

function stepTimer(report: Report) {
  let last = clock.monotonicMs();
  return (name: string, text: string) => {
    const now = clock.monotonicMs();
    report({ type: 'step', name, text, ms: now - last });
    last = now;
  };
}

async function startContainerd(layout: Layout, programs: Programs) {
  const [{ ensureContainerd }, { containerdOptions }] = await Promise.all([
    import('../kubelet/runtime/containerd-daemon.ts'),
    import('./containerd.ts'),
  ]);
  try {
    return await ensureContainerd(containerdOptions(layout, programs));
  } catch (error) {
    throw new UserFailure(
      exitCodes.runtime,
      'E_CONTAINERD',
      error instanceof Error ? error.message : String(error),
      `see its log: coracle logs containerd --name ${layout.name}`,
    );
  }
}

interface ApiServerContext {
  readonly settings: Settings;
  readonly pki: Pki;
  readonly store: Awaited<ReturnType<typeof openSqliteStore>>;
  readonly isReal: boolean;
  readonly log: ReturnType<typeof createLogger>;
}

async function startApiServer(
  { settings, pki, store, isReal, log }: ApiServerContext,
  signal: AbortSignal,
): Promise<{ api: ApiServer; stopped(): Promise<void> }> {
  const [serving, kubeletClient] = await Promise.all([
    pki.ensure({ file: 'apiserver', commonName: 'kube-apiserver', hosts: servingHosts(settings) }),
    pki.ensure({
      file: 'apiserver-kubelet-client',
      commonName: 'kube-apiserver-kubelet-client',
      organizations: ['kubeadm:cluster-admins'],
    }),
  ]);
  const host = isReal ? '0.0.0.0' : '127.0.0.1';
  const api = assembleApiServer({ store, settings, pki, serving, kubeletClient, host, clock, random, log });
  const running = api.run(signal);
  running.catch((error) => log.error('the API server failed', error));
  await api.ready;
  log.info('serving', { address: `${host}:${settings.apiPort}` });
  return { api, stopped: () => running };
}

function servingHosts(settings: Settings): string[] {
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${settings.clusterDomain}`,
  ];
  const addresses = new Set(['127.0.0.1', settings.address, serviceIp(settings.serviceCidr, 1)]);
  return ['localhost', settings.nodeName, ...service, ...addresses];
}

/** Requests of the server itself, while it sets the cluster up. */
function inProcess(api: ApiServer) {
  const user = { username: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };
  return {
    request: (request: Parameters<ApiServer['handleInProcess']>[1]) => api.handleInProcess(user, request),
    async [Symbol.asyncDispose]() {},
  };
}

async function writeKubeconfigs(
  layout: Layout,
  settings: Settings,
  pki: Pki,
  server: string,
  report: Report,
): Promise<void> {
  const admin = await pki.ensure({ file: 'admin', commonName: 'kubernetes-admin', organizations: ['system:masters'] });
  const access = {
    context: contextName(layout.name),
    server,
    ca: pki.ca,
    certificate: admin.certificate,
    key: admin.key,
  };
  writeFileSync(layout.kubeconfig, renderKubeconfig(access), { mode: 0o600 });
  const previous = mergeKubeconfig(settings.kubeconfigFile, access);
  if (previous && previous !== access.context)
    report({ type: 'notice', text: `the current context was "${previous}"` });
}

/** Follows the nodes until so many say they are ready. */
async function untilNodesReady(client: Client, count: number): Promise<void> {
  const nodes = client.resource(nodeKind);
  const ready = new Set<string>();
  const stop = new AbortController();
  const first = await nodes.list();
  const look = (node: (typeof first.items)[number]) => {
    if (isConditionTrue(node.status?.conditions, 'Ready') && isFresh(node)) ready.add(node.metadata.name);
    return ready.size >= count;
  };
  if (first.items.map(look).includes(true)) return;
  try {
    for await (const event of nodes.watch({
      resourceVersion: first.metadata.resourceVersion ?? '',
      signal: stop.signal,
    })) {
      if (event.type !== 'BOOKMARK' && event.type !== 'DELETED' && look(event.object)) return;
    }
  } finally {
    stop.abort();
  }
}

const startedAt = Date.now();

/** A node of an earlier run says Ready until it is found to be silent: only what this run heard counts. */
function isFresh(node: { status?: { conditions?: { type: string; lastHeartbeatTime?: string }[] } }): boolean {
  const heartbeat = node.status?.conditions?.find(({ type }) => type === 'Ready')?.lastHeartbeatTime;
  return heartbeat !== undefined && Date.parse(heartbeat) >= startedAt - 1000;
}
