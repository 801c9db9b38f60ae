// Starts the informers, then each controller as soon as its own informers have synced. A controller that fails is started
// again with back-off; the others do not notice.
import type { Clock } from '../base/clock.ts';
import type { Component } from '../base/component.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import type { ControllerContext, ControllerDefinition } from './controller.ts';
import { createEventRecorders } from './event-recorder.ts';
import type { Informer, InformerFactory } from './informer.ts';
import { createInformerFactory, untilSynced } from './informer-factory.ts';
import { runController } from './run-controller.ts';
import type { SharedInformer } from './shared-informer.ts';
import { WorkQueue } from './work-queue.ts';

export interface ManagerOptions {
  /** Of the component: `kube-controller-manager`. */
  readonly name: string;
  readonly client: Client;
  /** The client a controller writes with, when each has an identity of its own; default: `client` for all. */
  readonly clientFor?: (controller: string) => Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly controllers: readonly ControllerDefinition[];
  /** Absent: made here. Give one to share it with others. */
  readonly informers?: InformerFactory;
}

const minRestartMs = 1000;
const maxRestartMs = 60_000;

/** Runs controllers as one component. */
export function createManager(options: ManagerOptions): Component {
  return { name: options.name, run: (signal) => runAll(options, signal) };
}

async function runAll(options: ManagerOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, random, log } = options;
  const recorders = createEventRecorders({ client, clock, log });
  const informers = options.informers ?? createInformerFactory({ client, clock, random, log });
  const context: ControllerContext = { client, informers, clock, random, log, recorder: recorders.recorder };
  const own = (name: string) => ({ ...context, client: options.clientFor?.(name) ?? client });
  const controllers = options.controllers.map((definition) => superviseOne(definition, own(definition.name), signal));
  const running = options.informers ? [] : [informers.run(signal)];
  await Promise.all([...running, ...controllers, recorders.run(signal)]);
}

/** Sets a controller up and runs it, again and again until the signal aborts. */
async function superviseOne(
  definition: ControllerDefinition,
  context: ControllerContext,
  signal: AbortSignal,
): Promise<void> {
  const log = context.log.with({ controller: definition.name });
  for (let delayMs = minRestartMs; !signal.aborted; delayMs = Math.min(delayMs * 2, maxRestartMs)) {
    const queue = new WorkQueue({ clock: context.clock, ...definition.retry });
    const seen = new Set<SharedInformer<any>>();
    try {
      const controller = definition.setup({ ...context, log, informers: noting(context.informers, seen) }, queue);
      await untilSynced([...seen], signal);
      await runController(controller, queue, log, signal);
    } catch (error) {
      log.error('controller failed', error, { restartMs: delayMs });
    }
    queue.close();
    if (!signal.aborted) await context.clock.sleep(delayMs, signal);
  }
}

/** The same factory, noting who was asked for: a controller waits for its own informers only. */
function noting(informers: InformerFactory, seen: Set<SharedInformer<any>>): InformerFactory {
  return {
    informer(kind, options) {
      const informer = informers.informer(kind, options) as Informer<any>;
      seen.add(informer as SharedInformer<any>);
      return informer;
    },
    run: (signal) => informers.run(signal),
    waitForSync: (signal) => untilSynced([...seen], signal),
  };
}
