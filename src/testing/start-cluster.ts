// A cluster inside a test: the real API server, controllers, scheduler and simulated nodes in this process, on time that
// the test moves. No root, no files, no ports unless asked for.

import { configMapKind, nodeKind, serviceAccountKind } from '../../generated/kinds.ts';
import { isConditionTrue } from '../api/meta/conditions.ts';
import { parseProgram, simulationFile, simulationKey } from '../api/simulation/program.ts';
import type { UserInfo } from '../apiserver/authn/authenticator.ts';
import { createLogger, silentLogger } from '../base/log.ts';
import { type Random, seededRandom } from '../base/random.ts';
import { measureTurnsBy } from '../base/turns.ts';
import type { Client } from '../client/client.ts';
import { createClient } from '../client/create-client.ts';
import { clusterObjects, ensureBootstrap } from '../cluster/bootstrap.ts';
import type { Settings } from '../cluster/settings/settings.ts';
import type { NodeAutoscalerConfig } from '../controllers/node-autoscaler/config.ts';
import type { Configuration } from '../scheduler/config/types.ts';
import { createCompactor } from '../store/compactor.ts';
import { openMemoryStore } from '../store/engines/memory.ts';
import { directTransport } from './direct-transport.ts';
import { LoopbackTokens, loopbackCertificate, loopbackKubeconfig } from './loopback.ts';
import { withMetrics } from './metrics.ts';
import { clusterDomain, controlPlane, createTestingServer, podCidr, serviceCidr, simulatedNodes } from './parts.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface TestingClusterOptions {
  /** Simulated nodes; default 1. */
  readonly nodes?: number;
  /** Names, orders and delays follow from it: the same seed gives the same run. Default 1. */
  readonly seed?: number;
  /** What time it is at first; default 2030-01-01. */
  readonly startAt?: Date;
  /** Nodes come and go as pods need them; default: they do not. */
  readonly nodeAutoscaling?: NodeAutoscalerConfig;
  /** How simulated pods and nodes live: YAML, as in docs/simulated-nodes.md. */
  readonly simulation?: string;
  /** Programs in other processes reach the cluster, by a port on 127.0.0.1; default: none is opened. */
  readonly listen?: boolean;
  /** Of the scheduler; default: upstream's default. */
  readonly configuration?: Configuration;
  /** Lines of the components' log; default: none are written. */
  readonly log?: (line: string) => void;
}

export interface TestingCluster extends AsyncDisposable {
  /** As an administrator. */
  readonly client: Client;
  readonly clock: VirtualClock;
  readonly random: Random;
  /** As somebody else: `{ username: 'ada', groups: ['system:authenticated'] }`. */
  clientFor(user: UserInfo): Client;
  /**
   * What other programs reach the cluster with, as an administrator or as this user; the content of a file.
   * @throws when the cluster was started without `listen`
   */
  kubeconfig(user?: UserInfo): string;
}

const admin: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

/** Settles when the nodes are Ready and every namespace has its service account. */
export async function startCluster(options: TestingClusterOptions = {}): Promise<TestingCluster> {
  const { nodes = 1, seed = 1, startAt = new Date(Date.UTC(2030, 0, 1)) } = options;
  const clock = new VirtualClock(startAt.getTime());
  measureTurnsBy(() => clock.monotonicMs());
  const random = seededRandom(seed);
  const log = options.log ? createLogger(options.log) : silentLogger;
  const store = openMemoryStore();
  const tokens = new LoopbackTokens();
  const certificate = options.listen ? await loopbackCertificate() : undefined;
  const server = createTestingServer({
    store,
    clock,
    random,
    log,
    ...(certificate
      ? { authenticator: tokens, listen: { host: '127.0.0.1', port: 0, tls: { ...certificate, clientCa: '' } } }
      : {}),
  });
  const transportFor = (user: UserInfo) => directTransport(server, user, () => clock.noteActivity());
  const clientFor = (user: UserInfo): Client => createClient(withMetrics(transportFor(user), () => client, clock, log));
  const client: Client = clientFor(admin);
  const stopping = new AbortController();
  const running = [server.run(stopping.signal)];
  const cluster: TestingCluster = {
    client,
    clock,
    random,
    clientFor,
    kubeconfig(user = admin) {
      if (!certificate || !server.address) throw new Error('nothing listens: startCluster({ listen: true })');
      const url = `https://127.0.0.1:${server.address.port}`;
      return loopbackKubeconfig(url, certificate.cert, user, tokens.tokenFor(user));
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      // Some loops end at the end of a wait: nobody else moves the time any more.
      const ended = Promise.allSettled(running).then(() => true);
      while (!(await Promise.race([ended, clock.advance(1_000).then(() => false)])));
    },
  };
  try {
    await server.ready;
    await ensureBootstrap(client, server, clusterObjects(settingsFor(nodes), clock.now()));
    const { configuration, simulation } = options;
    if (simulation !== undefined) {
      parseProgram(simulation); // whoever is wrong hears it here
      await client.resource(configMapKind).create({ metadata: simulationKey, data: { [simulationFile]: simulation } });
    }
    const parts = { clock, random, log, clientFor, ...(configuration ? { configuration } : {}) };
    const { nodeAutoscaling } = options;
    const loops = [
      ...controlPlane(parts, nodeAutoscaling),
      ...(nodes > 0 || nodeAutoscaling ? simulatedNodes({ ...parts, count: nodes }) : []),
      createCompactor({ store, clock, log }),
    ];
    running.push(...loops.map((component) => component.run(stopping.signal)));
    await untilReady(cluster, nodes);
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

function settingsFor(nodes: number): Settings {
  const where = { address: '127.0.0.1', apiPort: 6443, agentPort: 10250, nodeName: 'testing', kubeconfigFile: '' };
  return { name: 'testing', simulatedNodes: nodes, podCidr, serviceCidr, clusterDomain, ...where };
}

async function untilReady({ client, clock }: TestingCluster, nodes: number): Promise<void> {
  const patienceMs = 60_000;
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 100) {
    await clock.settle();
    if (await isReady(client, nodes)) return;
    await clock.advance(100);
  }
  throw new Error(`the cluster is not ready after ${patienceMs / 1000} s of its time`);
}

async function isReady(client: Client, nodes: number): Promise<boolean> {
  const all = await client.resource(nodeKind).list();
  const ready = all.items.filter(({ status }) => isConditionTrue(status?.conditions, 'Ready'));
  const account = await client.resource(serviceAccountKind).find({ namespace: 'default', name: 'default' });
  return ready.length >= nodes && account !== undefined;
}
