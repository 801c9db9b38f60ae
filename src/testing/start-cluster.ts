// A cluster inside a test: the real API server, controllers, scheduler and simulated nodes in this process, on time that
// the test moves. No root, no files, no ports unless asked for.
import { generateKeyPairSync } from 'node:crypto';
import { nodeKind, serviceAccountKind } from '../../generated/kinds.ts';
import { buildResources } from '../api/build-resources.ts';
import { kindDefinitions } from '../api/kinds.ts';
import { isConditionTrue } from '../api/meta/conditions.ts';
import type { UserInfo } from '../apiserver/authn/authenticator.ts';
import { signingKey } from '../apiserver/authn/jwt.ts';
import { createSecurity } from '../apiserver/security.ts';
import { type ApiServer, createApiServer } from '../apiserver/server.ts';
import type { Component } from '../base/component.ts';
import { createLogger, type Logger, silentLogger } from '../base/log.ts';
import { type Random, seededRandom } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { createClient } from '../client/create-client.ts';
import { clusterObjects, ensureBootstrap } from '../cluster/bootstrap.ts';
import { componentUser, serviceAccountUser } from '../cluster/component-thread.ts';
import { controllerManager, scheduler as schedulerUser } from '../cluster/control-settings.ts';
import { controllerIdentities } from '../cluster/controller-identities.ts';
import type { Settings } from '../cluster/settings.ts';
import { simulatedNodesAccount } from '../cluster/simulated-nodes-account.ts';
import { createControllers } from '../controllers/index.ts';
import { createSimulatedNodes } from '../kubelet/simulated/simulated-nodes.ts';
import { createEventRecorders } from '../reconcile/event-recorder.ts';
import { createInformerFactory } from '../reconcile/informer-factory.ts';
import { createManager } from '../reconcile/manager.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import { createCompactor } from '../store/compactor.ts';
import { openMemoryStore } from '../store/engines/memory.ts';
import type { Store } from '../store/store.ts';
import { directTransport } from './direct-transport.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface TestingClusterOptions {
  /** Simulated nodes; default 1. */
  readonly nodes?: number;
  /** Names, orders and delays follow from it: the same seed gives the same run. Default 1. */
  readonly seed?: number;
  /** What time it is at first; default 2030-01-01. */
  readonly startAt?: Date;
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
}

const serviceCidr = '10.96.0.0/16';
const podCidr = '10.244.0.0/16';
const admin: UserInfo = { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] };

/** Settles when the nodes are Ready and every namespace has its service account. */
export async function startCluster(options: TestingClusterOptions = {}): Promise<TestingCluster> {
  const { nodes = 1, seed = 1, startAt = new Date(Date.UTC(2030, 0, 1)) } = options;
  const clock = new VirtualClock(startAt.getTime());
  const random = seededRandom(seed);
  const log = options.log ? createLogger(options.log) : silentLogger;
  const store = openMemoryStore();
  const server = createServer(store, clock, random, log);
  const clientFor = (user: UserInfo) => createClient(directTransport(server, user, () => clock.noteActivity()));
  const client = clientFor(admin);
  const stopping = new AbortController();
  const running = [server.run(stopping.signal)];
  const cluster: TestingCluster = {
    client,
    clock,
    random,
    clientFor,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      // Some loops end at the end of a wait: nobody else moves the time any more.
      const ended = Promise.allSettled(running).then(() => true);
      while (!(await Promise.race([ended, clock.advance(1_000).then(() => false)])));
    },
  };
  try {
    await server.ready;
    await ensureBootstrap(client, server.table.all(), clusterObjects(settingsFor(nodes)));
    const parts = { clock, random, log, clientFor };
    const loops = [...components(parts, nodes), createCompactor({ store, clock, log })];
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
  return { name: 'testing', simulatedNodes: nodes, podCidr, serviceCidr, clusterDomain: 'cluster.local', ...where };
}

function createServer(store: Store, clock: VirtualClock, random: Random, log: Logger): ApiServer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const security = createSecurity({
    signingKey: signingKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    serverUrl: 'https://127.0.0.1:6443',
    kubelet: { cert: '', key: '', ca: '' },
    clock,
    random,
  });
  const server = createApiServer({
    store,
    resources: buildResources(kindDefinitions),
    ...security,
    serviceCidr,
    clock,
    random,
    log,
  });
  security.bind(server);
  return server;
}

interface Parts {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly log: Logger;
  clientFor(user: UserInfo): Client;
}

function components({ clock, random, log, clientFor }: Parts, nodes: number): Component[] {
  const manager = clientFor(componentUser(controllerManager));
  const scheduling = clientFor(componentUser(schedulerUser));
  const informers = createInformerFactory({ client: manager, clock, random, log });
  const accounts = new Map(
    Object.entries(controllerIdentities).map(([name, account]) => [name, clientFor(serviceAccountUser(account))]),
  );
  const recorders = createEventRecorders({ client: scheduling, clock, log });
  const recorder = recorders.recorder('default-scheduler');
  const loops: Component[] = [
    createManager({
      name: 'kube-controller-manager',
      client: manager,
      clientFor: (controller) => accounts.get(controller) ?? manager,
      clock,
      random,
      log: log.with({ component: 'controllers' }),
      controllers: createControllers({ clusterCidr: podCidr }),
      informers,
    }),
    createScheduler({
      client: scheduling,
      informers,
      recorder,
      clock,
      random,
      log: log.with({ component: 'scheduler' }),
    }),
    { name: 'events', run: (signal) => recorders.run(signal) },
    { name: 'informers', run: (signal) => informers.run(signal) },
  ];
  if (nodes > 0) {
    const client = clientFor(serviceAccountUser(simulatedNodesAccount));
    const own = createInformerFactory({ client, clock, random, log });
    loops.push(
      createSimulatedNodes({ client, informers: own, clock, log, count: nodes, clusterDomain: 'cluster.local' }),
      { name: 'node-informers', run: (signal) => own.run(signal) },
    );
  }
  return loops;
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
