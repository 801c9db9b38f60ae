// Starts a cluster in this process, in order, telling of each step; and stops it in reverse.
import { join } from 'node:path';
import type { ApiServer } from '../apiserver/server.ts';
import { systemClock } from '../base/clock.ts';
import { createLogger } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createCompactor } from '../store/compactor.ts';
import { UnreadableValueError } from '../store/encryption/sealer.ts';
import { untilAtRest } from './at-rest.ts';
import { startControlWorker } from './control/control-worker.ts';
import { metricsApiSettings } from './control/metrics-api.ts';
import { schedulerConfiguration } from './control/scheduler-configuration.ts';
import { exitCodes, UserFailure } from './failure.ts';
import { readJoined } from './join/joined-settings.ts';
import { checkKubeletConfiguration } from './nodes/kubelet-configuration.ts';
import { machineSettings } from './nodes/machine-provider.ts';
import { checkNode, refuseFurtherNodes, runtimeOfMachine } from './nodes/machine-runtime.ts';
import { realNodes } from './nodes/node-plan.ts';
import { untilAgentsSpeak, untilNodesReady } from './nodes/nodes-ready.ts';
import { checkEncryption } from './nodes/pod-network-encryption.ts';
import { prepareRealNodes, startRealNodes, startSimulated } from './nodes/start-nodes.ts';
import { openPki, type Pki } from './pki.ts';
import type { RunningServer } from './running-server.ts';
import { instanceOf } from './settings/instance.ts';
import { contextName, type Layout } from './settings/layout.ts';
import { openLogFile } from './settings/log-file.ts';
import { makeDataDir } from './settings/make-data-dir.ts';
import { ensureSettings, isReachable, readSettings } from './settings/settings.ts';
import { rangesOfSlot } from './settings/slots.ts';
import { isAlive, isNodeAgent, readState, stopProcess } from './settings/state.ts';
import { StateFile } from './settings/state-file.ts';
import { type ComponentName, componentNames, type Report, type UpOptions } from './settings/up-options.ts';
import { type ControlAction, type ControlActions, openControlSocket } from './socket/control-socket.ts';
import { type StartedApiServer, startApiServer } from './start-apiserver.ts';
import type { StartContext } from './start-context.ts';
import { stepTimer } from './step-timer.ts';
import { Storage } from './storage/storage.ts';
import { watchStorage } from './storage/storage-monitor.ts';
import { storageDefaults } from './storage/storage-options.ts';
import { tokenActions } from './tokens.ts';

const clock = systemClock;
const random = systemRandom;
const leftoverGraceMs = 5000;

export async function startServer(asked: UpOptions, report: Report): Promise<RunningServer> {
  const { layout } = asked;
  const joined = readJoined(layout);
  if (joined) return (await import('./join/run-joined.ts')).startJoinedNode(layout, joined, report);
  const wanted = withKnownNodes(asked);
  const startedMs = clock.now();
  const timed = stepTimer(report, clock);
  const isReal = wanted.simulatedNodes === undefined && !wanted.only;
  const known = readSettings(layout);
  const machineRuntime = await runtimeOfMachine(asked, isReal, known);
  const options = { ...wanted, ...(machineRuntime ? { machineRuntime } : {}) };
  refuseFurtherNodes(machineRuntime, options.realNodes ?? (known?.furtherNodes?.length ?? 0) + 1);
  const needs = isReal ? await checkNode(machineRuntime, layout.name) : undefined;
  // Before anything is written: what cannot be had is not kept.
  if (isReal) await checkEncryption(options.podNetworkEncryption ?? known?.podNetworkEncryption);
  await stopLeftovers(layout);
  const { settings, isNew } = await ensureSettings(layout, options);
  for (const folder of [layout.dataDir, layout.logs, layout.node]) makeDataDir(folder);
  timed('preflight', needs?.found ?? 'nothing but this program is needed');

  const logFile = openLogFile(join(layout.logs, 'server.log'));
  const writeLog = (line: string) => logFile.write(line);
  const log = createLogger(writeLog);
  const onFailure = (error: Error) => {
    log.error('a component failed', error);
    process.kill(process.pid, 'SIGTERM');
  };
  const state = new StateFile(layout, clock.now());
  const cleanup = new AsyncDisposableStack();
  cleanup.defer(() => {
    state.clear();
    logFile[Symbol.dispose]();
  });
  const shared = { options, layout, settings, isReal, state, clock, random, log, writeLog, report, timed };
  const context: StartContext = { ...shared, cleanup, onFailure };
  let started: { readonly api: ApiServer; readonly pki: Pki };
  try {
    await checkKubeletConfiguration(settings.kubeletConfigFile);
    // containerd takes longest to come up and needs nothing of ours.
    const daemons = needs ? prepareRealNodes(context, needs.programs) : undefined;
    daemons?.catch(() => {}); // reported where it is awaited
    const { storage, pki } = await openState(context, isNew);
    const server = await startApiServer(context, storage.partsOfServer(), pki);
    started = { api: server.api, pki };
    await startLoops(context, server, pki);
    const actions: Record<string, ControlAction> = {
      ...storage.actions(),
      ...tokenActions({ admin: server.admin, ca: pki.ca, server: new URL(server.url).host, clock, random }),
    };
    await startStorageLoops(context, storage, server.admin, actions);
    if (needs && daemons)
      Object.assign(actions, await startRealNodes(context, pki, needs.programs, await daemons, server.admin));
    else if ((settings.simulatedNodes || settings.nodeAutoscaling) && !options.only)
      await startSimulated(context, server, settings.simulatedNodes ?? 0);
    const names = realNodes(layout, settings).map(({ name }) => name);
    const count = options.only ? 0 : (settings.simulatedNodes ?? names.length);
    if (count > 0) {
      if (isReal) await untilAgentsSpeak(context, server.admin, startedMs);
      await untilNodesReady(server.admin, isReal ? names : count, startedMs);
      const nodes = isReal ? names.join(', ') : `${count} simulated ${count === 1 ? 'node' : 'nodes'}`;
      timed('node', `${nodes} Ready`);
    }
  } catch (error) {
    await cleanup.disposeAsync();
    throw explained(error);
  }
  rehearseAtRest(context, started);
  const ms = clock.now() - startedMs;
  report({ type: 'ready', context: contextName(layout.name), ms, rssBytes: state.residentBytes() });
  return { stop: () => cleanup.disposeAsync() };
}

/** Loaded by then, so that a start does not take longer for it. */
function rehearseAtRest({ cleanup, log }: StartContext, { api, pki }: { api: ApiServer; pki: Pki }): void {
  const stopping = new AbortController();
  const work = async () => {
    if (!(await untilAtRest(clock, stopping.signal))) return;
    const { rehearse } = await import('./rehearsal.ts');
    const resources = api.table.all().filter(({ custom }) => !custom);
    await rehearse({ resources, signingKey: pki.serviceAccountKey.key, clock, random }, stopping.signal);
  };
  const working = work().catch((error) => log.warn('writes were not rehearsed', { problem: String(error) }));
  cleanup.defer(() => {
    stopping.abort();
    return working;
  });
}

/** Without `--nodes` a cluster comes back as it was; components alone need no node at all. */
function withKnownNodes(asked: UpOptions): UpOptions {
  if (asked.realNodes) return asked;
  const existing = readSettings(asked.layout);
  const simulatedNodes =
    asked.simulatedNodes ??
    existing?.simulatedNodes ??
    ((asked.only && !existing) || asked.nodeAutoscaling ? 0 : undefined);
  return simulatedNodes === undefined ? asked : { ...asked, simulatedNodes };
}

/** A server that was killed leaves its node agent behind; the new server starts its own. */
async function stopLeftovers(layout: Layout): Promise<void> {
  const left = (readState(layout)?.components ?? []).filter((each) => isNodeAgent(each.name) && isAlive(each));
  for (const each of left) if (each.pid !== process.pid) await stopProcess(each, leftoverGraceMs);
}

async function openState(context: StartContext, isNew: boolean): Promise<{ storage: Storage; pki: Pki }> {
  const { layout, settings, state, cleanup, timed, log } = context;
  const serverId = `${settings.address}:${settings.apiPort}`;
  const parts = { layout, options: settings.storage, serverId, clock, log: log.with({ component: 'store' }) };
  const [storage, pki] = await Promise.all([Storage.open(parts), openPki(layout.pki, clock.now())]);
  cleanup.use(storage);
  state.set('store', process.pid, storage.engine);
  timed('store', `${isNew ? 'new' : 'found'}, ${storage.engine}`);
  return { storage, pki };
}

/** What runs beside the store for as long as the cluster does. */
async function startStorageLoops(
  { layout, settings, cleanup, log }: StartContext,
  storage: Storage,
  admin: Client,
  actions: ControlActions,
): Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const keepMs = settings.storage?.compactionIntervalMs ?? storageDefaults.compactionIntervalMs;
  const storeLog = log.with({ component: 'store' });
  const running = [
    watchStorage({ storage, admin, clock, log: storeLog }, signal),
    createCompactor({ store: storage.store, clock, log: storeLog, keepMs }).run(signal),
    storage.followEncryption(signal),
    storage.rewriteStale(signal).catch((error) => storeLog.error('stored values were not encrypted again', error)),
  ];
  cleanup.defer(async () => {
    stopping.abort();
    await Promise.all(running);
  });
  cleanup.use(await openControlSocket(layout, actions, storeLog));
}

/** A value that no key opens keeps the cluster from starting: what reads it must not take it for absent. */
function explained(error: unknown): unknown {
  if (!(error instanceof UnreadableValueError)) return error;
  const remedy = 'bring back the key it was sealed with (docs/storage.md), or restore a snapshot';
  return new UserFailure(exitCodes.internal, 'E_UNREADABLE', error.message, remedy);
}

async function startLoops(context: StartContext, { api, url, figures }: StartedApiServer, pki: Pki): Promise<void> {
  const { options, settings, isReal, state, cleanup, writeLog, onFailure, timed } = context;
  const { nodeMonitorGraceMs: graceMs, signingMs } = options;
  const wanted: readonly ComponentName[] = options.only ?? componentNames;
  const loops = wanted.filter((name) => name !== 'apiserver');
  if (loops.length === 0) return;
  const nodeAutoscaling = options.only ? undefined : settings.nodeAutoscaling;
  const hasNodes = !options.only && (settings.simulatedNodes !== 0 || nodeAutoscaling !== undefined);
  const { loadBalancerRange = rangesOfSlot(0).loadBalancerRange } = settings;
  const loadBalancerRanges = loadBalancerRange === 'none' ? [] : loadBalancerRange.split(',');
  const metrics = hasNodes ? await metricsApiSettings(settings, pki) : undefined;
  const scheduling = await schedulerConfiguration(settings);
  const worker = await startControlWorker({
    server: api,
    settings: {
      controllers: {
        rootCa: pki.ca,
        signer: pki.signer,
        clusterCidr: settings.podCidr,
        ...(graceMs === undefined ? {} : { nodeMonitorGracePeriodSeconds: graceMs / 1000 }),
        ...(signingMs === undefined ? {} : { signingSeconds: signingMs / 1000 }),
        ...(hasNodes && loadBalancerRanges.length > 0 ? { loadBalancerRanges } : {}),
      },
      only: loops,
      leaderElection: instanceOf(settings, context.layout),
      ...(scheduling ? { scheduling } : {}),
      ...(isReal || isReachable(settings) ? { dnsServiceCidr: settings.serviceCidr } : {}),
      ...(isReal && hasNodes ? { machine: machineSettings(context.layout) } : {}),
      ...(metrics ? { metrics } : {}),
      ...(nodeAutoscaling ? { nodeAutoscaling } : {}),
    },
    writeLog,
    onFailure,
  });
  figures.source = (path) => worker.figures(path);
  cleanup.defer(() => worker.stop());
  for (const name of loops) state.set(name, process.pid, url);
  timed('controllers', `${loops.join(' and ')} running`);
}
