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
import { EventCorrelator, type EventLine } from './event-correlator.ts';

export interface EventRecordersOptions {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  /** The node that reports, for components of a node. */
  readonly host?: string;
  /** Settles when one more may be written; default: at once. */
  readonly turn?: (signal: AbortSignal) => Promise<void>;
  /** How many may wait to be written, of which more are dropped; asked each time; default: 4,000. */
  readonly mostWaiting?: () => number;
}

export interface EventRecorders {
  /** A recorder that names `component` as the source, and the node `host` where it is not that of all. */
  recorder(component: string, host?: string): EventRecorder;
  /** Writes what is recorded; after the abort, what is already queued, and ends. */
  run(signal: AbortSignal): Promise<void>;
}

interface Recorded {
  readonly component: string;
  readonly host: string | undefined;
  readonly about: ObjectReference;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly atMs: number;
}

/** Written side by side; the events of one object keep their order, because they share a lane. */
const lanes = 4;
const usuallyWaiting = 4000;
/** Still written of each lane when the end has come. */
const maxLeftInLane = 100;
const maxAttempts = 12;
const retryMs = 10_000;
const maxMessage = 1024;

/** Recorders that share one queue and one correlator. */
export function createEventRecorders(options: EventRecordersOptions): EventRecorders {
  const writer = new EventWriter(options);
  const recorder = (component: string, host = options.host): EventRecorder => ({
    event: (about, type, reason, message, annotations) =>
      writer.offer({
        component,
        host,
        about: referenceTo(about),
        type,
        reason,
        message: message.length > maxMessage ? message.slice(0, maxMessage) : message,
        annotations,
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

/** What is to be written of a line: the newest of what happened since the last time. */
interface Entry {
  readonly recorded: Recorded;
  readonly message: string;
  readonly count: number;
}

interface Lane {
  /** In the order in which the lines first waited. */
  readonly queue: Map<EventLine, Entry>;
  wake: (() => void) | undefined;
}

class EventWriter {
  readonly #options: EventRecordersOptions;
  readonly #correlator = new EventCorrelator();
  readonly #lanes: Lane[] = Array.from({ length: lanes }, () => ({ queue: new Map(), wake: undefined }));
  #sequence = 0;
  #dropped = 0;

  constructor(options: EventRecordersOptions) {
    this.#options = options;
  }

  offer(recorded: Recorded): void {
    const { line, message, isCut } = this.#correlator.correlate(recorded, recorded.atMs);
    if (isCut) return;
    const { queue, wake } = this.#laneOf(recorded.about);
    const most = (this.#options.mostWaiting?.() ?? usuallyWaiting) / lanes;
    if (queue.size >= most && !queue.has(line)) {
      this.#dropped++;
      return;
    }
    queue.set(line, { recorded, message, count: line.count });
    wake?.();
  }

  async run(signal: AbortSignal): Promise<void> {
    const end = () => {
      for (const { queue, wake } of this.#lanes) {
        const tooMany = [...queue.keys()].slice(maxLeftInLane);
        for (const line of tooMany) queue.delete(line);
        this.#dropped += tooMany.length;
        wake?.();
      }
    };
    signal.addEventListener('abort', end, { once: true });
    await Promise.all(this.#lanes.map((lane) => this.#runLane(lane, signal)));
    this.#tellDropped();
  }

  async #runLane(lane: Lane, signal: AbortSignal): Promise<void> {
    for (;;) {
      const [next] = lane.queue;
      if (next) {
        lane.queue.delete(next[0]);
        await this.#write(...next, signal);
      } else if (signal.aborted) return;
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

  async #write(line: EventLine, entry: Entry, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      await this.#options.turn?.(signal);
      try {
        line.name = (await this.#send(line, entry)).metadata.name;
        return;
      } catch (error) {
        // The server has judged this event: asking again changes nothing (a namespace that ends, mostly).
        if (error instanceof StatusError && error.code < 500 && error.code !== 429) {
          this.#options.log.debug('event refused', { problem: error.message, reason: entry.recorded.reason });
          return;
        }
        if (signal.aborted) return;
        await this.#options.clock.sleep(retryMs, signal);
      }
    }
  }

  async #send(line: EventLine, entry: Entry): Promise<Event> {
    const events = this.#options.client.resource(eventKind);
    const { recorded, message, count } = entry;
    if (line.name !== undefined) {
      const key = { namespace: recorded.about.namespace ?? 'default', name: line.name };
      const patch = { count, lastTimestamp: rfc3339(recorded.atMs), message };
      try {
        return await events.patch(key, patch, { type: 'strategic' });
      } catch (error) {
        if (!isNotFound(error)) throw error; // Its hour has passed: it is written anew.
      }
    }
    try {
      return await events.create(this.#event(line, entry));
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      return events.create(this.#event(line, entry));
    }
  }

  #event({ firstMs }: EventLine, { recorded, message, count }: Entry): Event {
    const { about, component, host, annotations, atMs } = recorded;
    // The name ends in nanoseconds; a counter stands for what the clock cannot see (parts of a millisecond, where it gives them).
    this.#sequence = (this.#sequence + 1) % 1_000_000;
    const suffix = (BigInt(Math.floor(atMs)) * 1_000_000n + BigInt(this.#sequence)).toString(16);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: {
        name: `${about.name}.${suffix}`,
        namespace: about.namespace ?? 'default',
        ...(annotations ? { annotations: { ...annotations } } : {}),
      },
      involvedObject: about,
      reason: recorded.reason,
      message,
      source: { component, ...(host ? { host } : {}) },
      firstTimestamp: rfc3339(firstMs),
      lastTimestamp: rfc3339(atMs),
      count,
      type: recorded.type,
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }
}
