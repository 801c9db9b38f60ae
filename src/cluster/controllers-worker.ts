// The worker thread of the controllers and the scheduler: everything it knows comes through watches, everything it does
// goes through the API, over message ports that carry each one's own identity.
import { workerData } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { createLogger } from '../base/log.ts';
import { systemRandom } from '../base/random.ts';
import { createClient } from '../client/create-client.ts';
import { createPortTransport } from '../client/port-transport.ts';
import { createControllers } from '../controllers/index.ts';
import { createDnsPublisher } from '../network/dns/dns-publisher.ts';
import { createEventRecorders } from '../reconcile/event-recorder.ts';
import { createInformerFactory } from '../reconcile/informer-factory.ts';
import { createManager } from '../reconcile/manager.ts';
import { createScheduler } from '../scheduler/scheduler.ts';
import { dnsPublisher } from './controller-identities.ts';
import type { ControllersWorkerData, FromControllersWorker } from './worker-messages.ts';

const { ports, control, settings, only, dnsServiceCidr } = workerData as ControllersWorkerData;
const tell = (message: FromControllersWorker) => control.postMessage(message);
const log = createLogger((line) => tell({ type: 'log', line }));
const clock = systemClock;
const random = systemRandom;
const stopping = new AbortController();
const { signal } = stopping;

const clientOf = (identity: string) => {
  const port = ports[identity];
  if (!port) throw new Error(`no port for identity ${identity}`);
  return createClient(createPortTransport({ port }));
};

// One cache for all: controllers and scheduler look at the same pods and nodes.
const informers = createInformerFactory({ client: clientOf('system:kube-controller-manager'), clock, random, log });
const running: Promise<void>[] = [];

if (only.includes('controllers')) {
  const clients = new Map<string, ReturnType<typeof clientOf>>();
  const manager = createManager({
    name: 'kube-controller-manager',
    client: clientOf('system:kube-controller-manager'),
    clientFor: (controller) => {
      const identity = ports[controller] ? controller : 'system:kube-controller-manager';
      const client = clients.get(identity) ?? clientOf(identity);
      clients.set(identity, client);
      return client;
    },
    clock,
    random,
    log: log.with({ component: 'controllers' }),
    controllers: createControllers(settings),
    informers,
  });
  running.push(manager.run(signal));
}

if (only.includes('scheduler')) {
  const client = clientOf('system:kube-scheduler');
  const schedulerLog = log.with({ component: 'scheduler' });
  const recorders = createEventRecorders({ client, clock, log: schedulerLog });
  const scheduler = createScheduler({
    client,
    informers,
    recorder: recorders.recorder('default-scheduler'),
    clock,
    random,
    log: schedulerLog,
  });
  running.push(scheduler.run(signal), recorders.run(signal));
}

if (dnsServiceCidr) {
  const dns = createDnsPublisher({
    client: clientOf(dnsPublisher),
    informers,
    serviceCidr: dnsServiceCidr,
    clock,
    log: log.with({ component: 'dns' }),
  });
  running.push(dns.run(signal));
}

running.push(informers.run(signal));

control.on('message', () => stopping.abort());
tell({ type: 'started' });
await Promise.allSettled(running);
tell({ type: 'stopped' });
control.close();
for (const port of Object.values(ports)) port.close();
