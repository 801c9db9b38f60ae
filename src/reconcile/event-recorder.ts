// Events about objects, written behind the caller's back: equal ones become a count, many similar ones become one line,
// floods from one object are cut, and what does not fit the queue is dropped.
import type { Event, ObjectReference } from '../../generated/core-v1.ts';
import { eventKind } from '../../generated/kinds.ts';
import type { KubernetesObject } from '../api/meta/object.ts';
import { isAlreadyExists, isNotFound, StatusError } from '../api/meta/status-error.ts';
import { type Clock, rfc3339 } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Client } from '../client/client.ts';
import type { EventRecorder } from './controller.ts';
import { EventCorrelator } from './event-correlator.ts';

export interface EventRecordersOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** The node that reports, for components of a node. */
  readonly host?: string;
  /** Settles when one more may be written; default: at once. */
  readonly turn?: (signal: AbortSignal) => Promise<void>;
}

export interface EventRecorders {
  /** A recorder that names `component` as the source. */
  recorder(component: string): EventRecorder;
  /** Writes what is recorded; after the abort, what is already queued, and ends. */
  run(signal: AbortSignal): Promise<void>;
}

interface Recorded {
  readonly component: string;
  readonly about: ObjectReference;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
}

/** Written side by side; the events of one object keep their order, because they share a lane. */
const lanes = 4;
const maxQueuedInLane = 1000;
/** Still written of each lane when the end has come. */
const maxLeftInLane = 100;
const maxAttempts = 12;
const retryMs = 10_000;
const maxMessage = 1024;

/** Recorders that share one queue and one correlator. */
export function createEventRecorders(options: EventRecordersOptions): EventRecorders {
  const writer = new EventWriter(options);
  const recorder = (component: string): EventRecorder => ({
    event: (about, type, reason, message) =>
      writer.offer({
        component,
        about: referenceTo(about),
        type,
        reason,
        message: message.length > maxMessage ? message.slice(0, maxMessage) : message,
        atMs: options.clock.now(),
      }),
  });
  return { recorder, run: (signal) => writer.run(signal) };
}

/** How an Event names its object. Pod containers are named by `fieldPath`; give it in `about` if there is one. */
export function referenceTo(
  about: KubernetesObject & { apiVersion: string; kind: string; fieldPath?: string },
): ObjectReference {
  const { namespace, name, uid, resourceVersion } = about.metadata;
  return {
    kind: about.kind,
    ...(namespace ? { namespace } : {}),
    name,
    ...(uid ? { uid } : {}),
    apiVersion: about.apiVersion,
    ...(resourceVersion ? { resourceVersion } : {}),
    ...(about.fieldPath ? { fieldPath: about.fieldPath } : {}),
  };
}

/** What has to be known of an event to count it up. */
interface Written {
  readonly namespace: string;
  readonly name: string;
  readonly count: number;
}

interface Lane {
  readonly queue: Recorded[];
  wake: (() => void) | undefined;
}

class EventWriter {
  readonly #options: EventRecordersOptions;
  readonly #correlator = new EventCorrelator<Written>();
  readonly #lanes: Lane[] = Array.from({ length: lanes }, () => ({ queue: [], wake: undefined }));
  #sequence = 0;
  #dropped = 0;

  constructor(options: EventRecordersOptions) {
    this.#options = options;
  }

  offer(recorded: Recorded): void {
    const lane = this.#laneOf(recorded.about);
    if (lane.queue.length >= maxQueuedInLane) {
      this.#dropped++;
      return;
    }
    lane.queue.push(recorded);
    lane.wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const end = () => {
      for (const { queue, wake } of this.#lanes) {
        this.#dropped += queue.splice(maxLeftInLane).length;
        wake?.();
      }
    };
    signal.addEventListener('abort', end, { once: true });
    await Promise.all(this.#lanes.map((lane) => this.#runLane(lane, signal)));
    this.#tellDropped();
  }

  async #runLane(lane: Lane, signal: AbortSignal): Promise<void> {
    for (;;) {
      const next = lane.queue.shift();
      if (next) await this.#write(next, signal);
      else if (signal.aborted) return;
      else await this.#untilOffered(lane);
    }
  }

  async #untilOffered(lane: Lane): Promise<void> {
    this.#tellDropped();
    await new Promise<void>((resolve) => {
      lane.wake = resolve;
    });
    lane.wake = undefined;
  }

  #tellDropped(): void {
    if (this.#dropped > 0) this.#options.log.warn('events dropped', { count: this.#dropped });
    this.#dropped = 0;
  }

  #laneOf({ namespace = '', name }: ObjectReference): Lane {
    let hash = namespace.length;
    for (let at = 0; at < name!.length; at++) hash = (Math.imul(hash, 31) + name!.charCodeAt(at)) | 0;
    return this.#lanes[(hash >>> 0) % lanes]!;
  }

  async #write(recorded: Recorded, signal: AbortSignal): Promise<void> {
    const decision = this.#correlator.correlate(recorded, recorded.atMs);
    if (!decision) return;
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      await this.#options.turn?.(signal);
      try {
        const { metadata, count = 1 } = await this.#send(recorded, decision.message, decision.known);
        decision.remember({ namespace: metadata.namespace ?? 'default', name: metadata.name, count });
        return;
      } catch (error) {
        // The server has judged this event: asking again changes nothing (a namespace that ends, mostly).
        if (error instanceof StatusError && error.code < 500 && error.code !== 429) {
          this.#options.log.debug('event refused', { problem: error.message, reason: recorded.reason });
          return;
        }
        if (signal.aborted) return;
        await this.#options.clock.sleep(retryMs, signal);
      }
    }
  }

  async #send(recorded: Recorded, message: string, known: Written | undefined): Promise<Event> {
    const events = this.#options.client.resource(eventKind);
    if (known) {
      const { namespace, name } = known;
      const patch = { count: known.count + 1, lastTimestamp: rfc3339(recorded.atMs), message };
      try {
        return await events.patch({ namespace, name }, patch, { type: 'strategic' });
      } catch (error) {
        if (!isNotFound(error)) throw error; // Its hour has passed: a new one begins.
      }
    }
    try {
      return await events.create(this.#event(recorded, message));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return events.create(this.#event(recorded, message));
    }
  }

  #event(recorded: Recorded, message: string): Event {
    const { about, component, atMs } = recorded;
    const time = rfc3339(atMs);
    const { host } = this.#options;
    // The name ends in nanoseconds; a counter stands for what the clock cannot see (parts of a millisecond, where it gives them).
    this.#sequence = (this.#sequence + 1) % 1_000_000;
    const suffix = (BigInt(Math.floor(atMs)) * 1_000_000n + BigInt(this.#sequence)).toString(16);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${about.name}.${suffix}`, namespace: about.namespace ?? 'default' },
      involvedObject: about,
      reason: recorded.reason,
      message,
      source: { component, ...(host ? { host } : {}) },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      type: recorded.type,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }
}
