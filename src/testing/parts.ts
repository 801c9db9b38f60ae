// What a cluster in a test is made of, each part by itself: over any transport, on any clock.
import { generateKeyPairSync } from 'node:crypto';
import { buildResources } from '../api/build-resources.ts';
import { kindDefinitions } from '../api/kinds.ts';
import type { Authenticator, UserInfo } from '../apiserver/authn/authenticator.ts';
import { signingKey } from '../apiserver/authn/jwt.ts';
import { createSecurity } from '../apiserver/security.ts';
import { type ApiServer, type ApiServerOptions, createApiServer } from '../apiserver/server.ts';
import type { Clock } from '../base/clock.ts';
import type { Component } from '../base/component.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import { controllerManager, scheduler as schedulerUser } from '../cluster/control/control-settings.ts';
import { controllerIdentities } from '../cluster/control/controller-identities.ts';
import { nodeScaling } from '../cluster/nodes/node-scaling.ts';
import { simulatedNodesAccount } from '../cluster/nodes/simulated/simulated-nodes-account.ts';
import { componentUser, serviceAccountUser } from '../cluster/threads/component-thread.ts';
import { createControllers } from '../controllers/index.ts';
import type { NodeAutoscalerConfig } from '../controllers/node-autoscaler/config.ts';
import { createSimulatedNodes, type SimulatedNodesOptions } from '../kubelet/simulated/simulated-nodes.ts';
import { createEventRecorders } from '../reconcile/event-recorder.ts';
import { createInformerFactory } from '../reconcile/informer-factory.ts';
import { createManager } from '../reconcile/manager.ts';
import type { Configuration } from '../scheduler/config/types.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import type { Store } from '../store/store.ts';

export const serviceCidr = '10.96.0.0/16';
export const podCidr = '10.244.0.0/16';
export const clusterDomain = 'cluster.local';

export interface Parts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  clientFor(user: UserInfo): Client;
  /** Of the scheduler; default: upstream's default. */
  readonly configuration?: Configuration;
}

export interface TestingServerOptions extends Pick<Parts, 'clock' | 'random' | 'log'> {
  readonly store: Store;
  /** Who else is believed, before the authenticators of every cluster. */
  readonly authenticator?: Authenticator;
  /** Absent: no socket leads to it. */
  readonly listen?: NonNullable<ApiServerOptions['listen']>;
}

export function createTestingServer({ authenticator, ...options }: TestingServerOptions): ApiServer {
  const { clock, random } = options;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const security = createSecurity({
    signingKey: signingKey(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    serverUrl: 'https://127.0.0.1:6443',
    kubelet: { cert: '', key: '', ca: '' },
    clock,
    random,
  });
  const server = createApiServer({
    ...options,
    ...security,
    authenticators: [...(authenticator ? [authenticator] : []), ...security.authenticators],
    resources: buildResources(kindDefinitions),
    serviceCidr,
  });
  security.bind(server);
  return server;
}

/** Controllers and scheduler over informers that they share. */
export function controlPlane(parts: Parts, nodeAutoscaling?: NodeAutoscalerConfig): Component[] {
  const informers = createInformerFactory({ ...parts, client: parts.clientFor(componentUser(controllerManager)) });
  return [
    controllers(parts, informers, nodeAutoscaling),
    ...scheduler(parts, informers),
    { name: 'informers', run: (signal) => informers.run(signal) },
  ];
}

type Informers = ReturnType<typeof createInformerFactory>;

/** All controllers, each with the rights of its own account. Without informers they make their own. */
export function controllers(
  { clock, random, log, clientFor }: Parts,
  informers?: Informers,
  nodeAutoscaling?: NodeAutoscalerConfig,
): Component {
  const manager = clientFor(componentUser(controllerManager));
  const accounts = new Map(
    Object.entries(controllerIdentities).map(([name, account]) => [name, clientFor(serviceAccountUser(account))]),
  );
  return createManager({
    name: 'kube-controller-manager',
    client: manager,
    clientFor: (controller) => accounts.get(controller) ?? manager,
    clock,
    random,
    log: log.with({ component: 'controllers' }),
    controllers: [
      ...createControllers({ clusterCidr: podCidr, loadBalancerRanges: ['198.18.0.0/24'] }),
      ...(nodeAutoscaling ? [nodeScaling(nodeAutoscaling)] : []),
    ],
    ...(informers ? { informers } : {}),
  });
}

/** The scheduler and the writer of its events. */
export function scheduler({ clock, random, log, clientFor, configuration }: Parts, informers: Informers): Component[] {
  const client = clientFor(componentUser(schedulerUser));
  const recorders = createEventRecorders({ client, clock, log });
  const recorder = recorders.recorder('default-scheduler');
  const own = { recorder, recorderFor: recorders.recorder, ...(configuration ? { configuration } : {}) };
  const scheduling = { client, informers, ...own, clock, random, log: log.with({ component: 'scheduler' }) };
  return [createScheduler(scheduling), { name: 'events', run: (signal) => recorders.run(signal) }];
}

export type NodesOptions = Parts & Omit<SimulatedNodesOptions, 'client' | 'informers' | 'clock' | 'log'>;

/** Nodes and the informers they look at. */
export function simulatedNodes({ clientFor, ...options }: NodesOptions): Component[] {
  const client = clientFor(serviceAccountUser(simulatedNodesAccount));
  const informers = createInformerFactory({ ...options, client });
  return [
    createSimulatedNodes({ clusterDomain, ...options, client, informers }),
    { name: 'node-informers', run: (signal) => informers.run(signal) },
  ];
}
