// One loop: events become keys, a key means "look again". Implementation of the loop: run-controller.ts.

import type { KubernetesObject } from '../api/meta/object.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { Client } from '../client/client.ts';
import type { InformerFactory } from './informer.ts';

/** Keys waiting for a look. A key is never handed to two workers at once; adding a key in work runs it again after. */
export interface KeyQueue {
  add(key: string): void;
  /** Adds the key after a delay; the earliest of several wins. */
  addAfter(key: string, delayMs: number): void;
}

/** Records an Event about an object; equal ones are counted up, floods are cut. Never throws, never waits. */
export interface EventRecorder {
  event(
    about: KubernetesObject & { apiVersion: string; kind: string },
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    annotations?: Readonly<Record<string, string>>,
  ): void;
}

/** What every controller is given. */
export interface ControllerContext {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  recorder(component: string): EventRecorder;
}

export interface Controller {
  readonly name: string;
  /** How many keys are worked on at once; default 5. */
  readonly workers?: number;
  /** Brings what the key names nearer to what it asks for. A throw puts the key back with back-off. */
  reconcile(key: string, signal: AbortSignal): Promise<void>;
  /** Work beside the keys, from the first sync until the signal aborts. */
  run?(signal: AbortSignal): Promise<void>;
}

/**
 * A controller's file exports one of these: `setup` asks for informers and wires their events to the queue, and gives
 * the controller. It must not do I/O; the manager starts informers, waits for them and then runs the workers.
 */
export interface ControllerDefinition {
  readonly name: string;
  /** When a key that failed is looked at again; default: the queue's. */
  readonly retry?: { readonly baseDelayMs: number; readonly maxDelayMs: number };
  setup(context: ControllerContext, queue: KeyQueue): Controller;
}
