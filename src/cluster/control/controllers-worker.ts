// The worker thread of the controllers and the scheduler: everything it knows comes through watches, everything it does
// goes through the API, each controller under its own identity, and only while it holds the lease.
import { systemClock } from '../../base/clock.ts';
import { systemRandom } from '../../base/random.ts';
import { createControllers } from '../../controllers/index.ts';
import { rangeOf } from '../../network/addresses.ts';
import { dnsMetricsPort } from '../../network/dns/dns-objects.ts';
import { createDnsPublisher } from '../../network/dns/dns-publisher.ts';
import { createEventRecorders } from '../../reconcile/event-recorder.ts';
import { createInformerFactory } from '../../reconcile/informer-factory.ts';
import type { Leadership } from '../../reconcile/leader-election.ts';
import { createManager } from '../../reconcile/manager.ts';
import type { SchedulerMetrics } from '../../scheduler/metrics.ts';
import { createScheduler } from '../../scheduler/scheduler.ts';
import { openThread } from '../threads/thread.ts';
import { type ControlSettings, controllerManager, scheduler } from './control-settings.ts';
import { dnsPublisher, metricsServer } from './controller-identities.ts';
import { runWithLease } from './run-with-lease.ts';
import { schedulerLease } from './scheduler-lease.ts';

const thread = openThread<ControlSettings>();
const { log, signal, settings } = thread;
const [clock, random] = [systemClock, systemRandom];
/** Of the scheduler's events, which upstream lets wait without bound. */
const mostDecisions = 50_000;
// One cache for all: controllers and scheduler look at the same pods and nodes.
const informers = createInformerFactory({ client: thread.client(controllerManager), clock, random, log });
const running: Promise<void>[] = [];
const election = { thread, clock, random, settings: settings.leaderElection };

const scaling = settings.nodeAutoscaling
  ? [(await import('../nodes/node-scaling.ts')).nodeScaling(settings.nodeAutoscaling)]
  : [];

const ofMachine = settings.machine
  ? (await import('../nodes/machine-controllers.ts')).machineControllers(settings.machine)
  : [];

if (settings.only.includes('controllers')) {
  const lease = {
    leaseName: 'kube-controller-manager',
    identity: controllerManager,
    component: 'kube-controller-manager',
  };
  const lead = async ({ isHeld, signal: leading }: Leadership) => {
    const client = thread.leadingClient(controllerManager, isHeld)!;
    const manager = createManager({
      name: 'kube-controller-manager',
      client,
      clientFor: (controller) => thread.leadingClient(controller, isHeld) ?? client,
      clock,
      random,
      log: log.with({ component: 'controllers' }),
      controllers: [...createControllers(settings.controllers), ...scaling, ...ofMachine],
      informers,
    });
    await manager.run(leading);
  };
  running.push(runWithLease({ ...election, ...lease }, lead));
}

if (settings.only.includes('scheduler')) {
  const { scheduling } = settings;
  const lease = { identity: scheduler, component: 'default-scheduler', ...schedulerLease(scheduling) };
  const lead = async ({ isHeld, signal: leading }: Leadership) => {
    const client = thread.leadingClient(scheduler, isHeld)!;
    const schedulerLog = log.with({ component: 'scheduler' });
    const recorders = createEventRecorders({ client, clock, log: schedulerLog, mostWaiting: () => mostDecisions });
    const recorder = recorders.recorder('default-scheduler');
    const configuration = scheduling ? { configuration: scheduling } : {};
    const telling = { recorder, recorderFor: recorders.recorder };
    const onMetrics = (metrics: SchedulerMetrics) => {
      thread.figures.set('/metrics', () => metrics.print());
      thread.figures.set('/metrics/resources', () => metrics.printResources());
    };
    const loop = createScheduler({
      client,
      informers,
      ...telling,
      ...configuration,
      onMetrics,
      clock,
      random,
      log: schedulerLog,
    });
    await Promise.all([loop.run(leading), recorders.run(leading)]);
  };
  running.push(runWithLease({ ...election, ...lease }, lead));
}

if (settings.dnsServiceCidr) {
  const publisher = createDnsPublisher({
    client: thread.client(dnsPublisher),
    informers,
    // Pods ask by IPv4; what they learn is of both families.
    serviceCidr: rangeOf(settings.dnsServiceCidr, 'IPv4')!,
    metricsPort: dnsMetricsPort,
    clock,
    log: log.with({ component: 'dns' }),
  });
  running.push(publisher.run(signal));
}

if (settings.metrics) {
  const { createMetricsServer } = await import('../../observe/metrics-server/server.ts');
  const server = createMetricsServer({
    ...settings.metrics,
    client: thread.client(metricsServer),
    informers,
    clock,
    log: log.with({ component: 'metrics-server' }),
  });
  running.push(server.run(signal));
}

running.push(informers.run(signal));
await thread.run(running);
