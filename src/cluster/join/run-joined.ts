// A machine that joined a cluster elsewhere, while it is up: containerd, the agent, and certificates that do not run out.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nodeKind } from '../../../generated/kinds.ts';
import { isConditionTrue } from '../../api/meta/conditions.ts';
import { systemClock } from '../../base/clock.ts';
import { createLogger } from '../../base/log.ts';
import type { Client } from '../../client/client.ts';
import { createClient } from '../../client/create-client.ts';
import { createHttpsTransport } from '../../client/https-transport.ts';
import { exitCodes, UserFailure } from '../failure.ts';
import { checkKubeletConfiguration } from '../nodes/kubelet-configuration.ts';
import { checkNode } from '../nodes/machine-runtime.ts';
import { readIdentity } from '../nodes/node-identities.ts';
import { machineNode } from '../nodes/node-plan.ts';
import { checkEncryption } from '../nodes/pod-network-encryption.ts';
import { type NodeShared, prepareNode, type RealNode, startRealNode } from '../nodes/real-node.ts';
import type { RunningServer } from '../running-server.ts';
import type { Layout } from '../settings/layout.ts';
import { openLogFile } from '../settings/log-file.ts';
import { makeDataDir } from '../settings/make-data-dir.ts';
import { StateFile } from '../settings/state-file.ts';
import type { Report } from '../settings/up-options.ts';
import { stepTimer } from '../step-timer.ts';
import { userAgent } from '../user-agents.ts';
import { obtainCertificate, renewalMs, wantedCertificates } from './certificates.ts';
import { announce } from './join-cluster.ts';
import { type JoinedSettings, serversFile } from './joined-settings.ts';
import { KnownServers } from './known-servers.ts';

const clock = systemClock;
/** At least so often; earlier where a certificate is due. */
const renewalLookMs = 3_600_000;
const renewalRetryMs = 30_000;
const readyPollMs = 100;

export async function startJoinedNode(
  layout: Layout,
  settings: JoinedSettings,
  report: Report,
): Promise<RunningServer> {
  const startedMs = clock.now();
  const timed = stepTimer(report, clock);
  const { programs, found } = await checkNode(settings.machineRuntime, layout.name);
  await checkEncryption(settings.podNetworkEncryption);
  for (const folder of [layout.dataDir, layout.logs, layout.node]) makeDataDir(folder);
  timed('preflight', found);
  await using cleanup = new AsyncDisposableStack();
  const logFile = cleanup.use(openLogFile(join(layout.logs, 'server.log')));
  const log = createLogger((line) => logFile.write(line));
  const state = new StateFile(layout, clock.now());
  cleanup.defer(() => state.clear());
  state.set('joined', process.pid, settings.server);
  const serverList = serversFile(layout);
  const transport = cleanup.use(
    createHttpsTransport({
      // Read anew: the agent keeps the list.
      server: () => new KnownServers(serverList, [settings.server]).list(),
      ca: await readFile(join(layout.pki, 'ca.crt'), 'utf8'),
      clock,
      clientCertificate: () => readIdentity(layout.pki, 'node-client'),
    }),
  );
  const client = createClient(transport, { userAgent: userAgent('coracle'), clock });

  const plan = machineNode(layout, settings);
  const shared: NodeShared = { layout, state, clock, log };
  const daemon = await prepareNode(shared, plan, programs, undefined);
  timed(plan.machineRuntime ? 'runtime' : 'containerd', daemon.socketPath);
  const { server, podCidr, serviceCidr, clusterDomain, kubeletConfigFile, podNetworkEncryption } = settings;
  await checkKubeletConfiguration(kubeletConfigFile);
  const sysctlRecord = join(layout.node, 'switches');
  const start = () =>
    startRealNode(shared, plan, programs, daemon, {
      server,
      serversFile: serverList,
      podCidr,
      serviceCidr,
      clusterDomain,
      ...(kubeletConfigFile ? { kubeletConfigFile } : {}),
      ...(podNetworkEncryption ? { podNetworkEncryption } : {}),
      sysctlRecord,
    });
  const node = new Replaceable(start);
  cleanup.defer(() => node.stop());
  const stopping = new AbortController();
  const renewing = keepCertificates(client, layout, settings, stopping.signal, () => node.replace(), log);
  cleanup.defer(() => {
    stopping.abort();
    return renewing;
  });
  await untilReady(client, settings.nodeName, startedMs);
  timed('node', `${settings.nodeName} Ready in ${server}`);
  const ms = clock.now() - startedMs;
  report({ type: 'ready', context: '', ms, rssBytes: state.residentBytes() });
  const running = cleanup.move();
  return { stop: () => running.disposeAsync() };
}

/** A node whose agent can be started anew; the pods go on. */
class Replaceable {
  readonly #start: () => RealNode;
  #node: RealNode;

  constructor(start: () => RealNode) {
    this.#start = start;
    this.#node = start();
  }

  async replace(): Promise<void> {
    await this.#node.stop();
    this.#node = this.#start();
  }

  stop(): Promise<void> {
    return this.#node.stop();
  }
}

/** Asks for new certificates when two thirds of their life are over; the agent reads them when it starts. */
async function keepCertificates(
  client: Client,
  layout: Layout,
  settings: JoinedSettings,
  signal: AbortSignal,
  replace: () => Promise<void>,
  log: ReturnType<typeof createLogger>,
): Promise<void> {
  const { nodeName, address } = settings;
  const look = async () => {
    const due = Object.values(wantedCertificates(nodeName, address)).filter(
      ({ file }) => renewalMs(layout.pki, file) <= clock.now(),
    );
    if (due.length === 0) return;
    await announce(client, nodeName, address);
    for (const wanted of due) await obtainCertificate(client, layout.pki, wanted, clock);
    log.info('certificates were renewed', { files: due.map(({ file }) => file).join(' ') });
    await replace();
  };
  const untilDueMs = () => {
    const files = Object.values(wantedCertificates(nodeName, address)).map(({ file }) => file);
    const soonest = Math.min(...files.map((file) => renewalMs(layout.pki, file))) - clock.now();
    return Math.min(Math.max(soonest, 0), renewalLookMs);
  };
  while (!signal.aborted) {
    const hasFailed = await look().then(
      () => false,
      (error) => {
        log.error('certificates were not renewed', error);
        return true;
      },
    );
    await clock.sleep(hasFailed ? renewalRetryMs : untilDueMs(), signal);
  }
}

/** @throws UserFailure when the cluster does not let this node in any more */
async function untilReady(client: Client, name: string, sinceMs: number): Promise<void> {
  for (;;) {
    const node = await client
      .resource(nodeKind)
      .find({ namespace: '', name })
      .catch((error) => {
        if ((error as { code?: number }).code !== 401) return undefined; // it may be away for a moment
        const remedy = 'leave and join again: coracle reset, then coracle join';
        throw new UserFailure(exitCodes.permission, 'E_NOT_LET_IN', 'the cluster does not know this node', remedy);
      });
    const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready');
    const isFresh = Date.parse(ready?.lastHeartbeatTime ?? '') >= sinceMs - 1000; // times have whole seconds
    if (isFresh && isConditionTrue(node?.status?.conditions, 'Ready')) return;
    await clock.sleep(readyPollMs);
  }
}
